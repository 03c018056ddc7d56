"""The web page: its files in a bucket that only CloudFront reads, with the API below the same name."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from aws_cdk import CfnElement, Duration, Fn, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_deployment as deployment
from constructs import Construct

from infra.build import BuildDirectory, digest
from infra.packages import REPOSITORY, BuildError
from infra.permissions import acknowledge
from infra.stage import Stage

WEB = REPOSITORY / "web"
_ASKED_AGAIN_AFTER = Duration.minutes(5)
"""How long a browser keeps a file before it asks whether there is a newer one."""


def build_page(builds: BuildDirectory) -> Path:
    """The page's files, bundled.

    Raises:
        BuildError: Node's packages are not installed, or the bundler found a mistake.
    """
    made_from = digest((REPOSITORY / "package-lock.json").read_text(), folders=[WEB])
    return builds.get("page", made_from, _bundle)


def _bundle(to: Path) -> None:
    npm = shutil.which("npm")
    if npm is None or not (REPOSITORY / "node_modules" / "esbuild").is_dir():
        raise BuildError("what bundles the web page is not installed; run: npm ci")
    command = [npm, "run", "--silent", "page", "--", f"--outdir={to}"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BuildError(f"the web page can't be bundled:\n{done.stderr}")


@dataclass(frozen=True, slots=True)
class PageProps:
    """What the page is made of."""

    stage: Stage
    files: Path
    api_url: str
    live_host: str
    """Where sockets open, below the path that serving.json names."""


class Page(Construct):
    """A bucket, a distribution, and the files in it."""

    def __init__(self, scope: Construct, id: str, props: PageProps) -> None:  # noqa: A002 - the field's word
        super().__init__(scope, id)
        bucket = self._bucket(props.stage)
        distribution = self._distribution(bucket, props)
        self.url = f"https://{distribution.distribution_domain_name}"
        self._put_files(bucket, distribution, props.files)

    def _bucket(self, stage: Stage) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Files",
            encryption=s3.BucketEncryption.S3_MANAGED,  # anybody may read these files
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=stage.removal,
        )
        acknowledge(bucket, "S1", "only the distribution reads it, and only what anybody may read")
        return bucket

    def _distribution(self, bucket: s3.Bucket, props: PageProps) -> cloudfront.Distribution:
        serving = json.loads((WEB / "serving.json").read_text())
        headers = self._headers(props.stage, serving["headers"])
        to_api = _passed_on(Fn.select(2, Fn.split("/", props.api_url)), headers)
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"{props.stage.prefix}page",
            default_root_object="index.html",
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(bucket),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                response_headers_policy=headers,
            ),
            additional_behaviors={
                **dict.fromkeys(serving["of_the_api"], to_api),
                serving["sockets"]: _passed_on(props.live_host, headers),
            },
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
        )
        acknowledge(distribution, "CFR1", "who may look is settled by keys, not by countries")
        acknowledge(distribution, "CFR2", "the API is throttled and asks for keys; a firewall costs money at rest")
        acknowledge(
            distribution, "CFR3", "what is asked of the API stands in the API's access log; the files are anybody's"
        )
        acknowledge(
            distribution,
            "CFR4",
            "CloudFront's own certificate comes with a fixed policy; a domain of your own has another",
        )
        return distribution

    def _headers(self, stage: Stage, headers: dict[str, str]) -> cloudfront.ResponseHeadersPolicy:
        secured = cloudfront.ResponseSecurityHeadersBehavior(
            content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                content_security_policy=headers.pop("Content-Security-Policy"), override=True
            ),
            content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
            frame_options=cloudfront.ResponseHeadersFrameOptions(
                frame_option=cloudfront.HeadersFrameOption.DENY, override=True
            ),
            referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
            ),
            strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                access_control_max_age=Duration.days(730), include_subdomains=True, override=True
            ),
        )
        for named in ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Strict-Transport-Security"):
            headers.pop(named)
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            response_headers_policy_name=f"{stage.prefix}page",
            security_headers_behavior=secured,
            custom_headers_behavior=cloudfront.ResponseCustomHeadersBehavior(
                custom_headers=[
                    cloudfront.ResponseCustomHeader(header=name, value=value, override=True)
                    for name, value in headers.items()
                ]
            ),
        )

    def _put_files(self, bucket: s3.Bucket, distribution: cloudfront.Distribution, files: Path) -> None:
        deployment.BucketDeployment(
            self,
            "Deployment",
            sources=[deployment.Source.asset(str(files))],
            destination_bucket=bucket,
            distribution=distribution,
            cache_control=[deployment.CacheControl.max_age(_ASKED_AGAIN_AFTER)],
        )
        self._answer_for_the_helper(bucket)

    def _answer_for_the_helper(self, bucket: s3.Bucket) -> None:
        """The library's function that puts files into buckets brings its role, and its runtime, with it."""
        stack = Stack.of(self)
        helper = next(one for one in stack.node.children if one.node.id.startswith("Custom::CDKBucketDeployment"))
        reason = "CDK's own helper, which runs while a deployment does, with what its library has tested it with"
        acknowledge(helper, "L1", reason)
        acknowledge(
            helper,
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
            reason,
        )
        for action in ("GetBucket", "GetObject", "List", "Abort", "DeleteObject"):
            acknowledge(helper, f"IAM5[Action::s3:{action}*]", reason)
        assets = "arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*"
        files = f"<{stack.get_logical_id(cast('CfnElement', bucket.node.default_child))}.Arn>/*"
        for resource in (assets, files, "*"):
            acknowledge(helper, f"IAM5[Resource::{resource}]", reason)


def _passed_on(host: str, headers: cloudfront.ResponseHeadersPolicy) -> cloudfront.BehaviorOptions:
    """What is another host's to answer, as it was asked; sockets too."""
    return cloudfront.BehaviorOptions(
        origin=origins.HttpOrigin(
            host,
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
        ),
        allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
        cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
        origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        response_headers_policy=headers,
    )
