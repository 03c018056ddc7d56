"""The web page's bucket and distribution."""

import json

import pytest

from infra.live import STAGE
from infra.packages import REPOSITORY
from infra.stage import stage_named
from tests.infra.conftest import new_app
from tests.infra.template import Template

SERVING = (REPOSITORY / "web" / "serving.json").read_text()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A stack that is nothing but the page."""
    from aws_cdk import Stack, Validations
    from cdk_nag import AwsSolutionsChecks

    from infra.page import Page, PageProps

    files, outdir = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("out")
    (files / "index.html").write_text("<title>Backstay</title>")
    app = new_app(outdir)
    stack = Stack(app, "Page")
    Page(
        stack,
        "Page",
        PageProps(
            stage_named("dev"),
            files,
            "https://abc.execute-api.eu-central-1.amazonaws.com",
            "def.execute-api.eu-central-1.amazonaws.com",
        ),
    )
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    return Template.read(outdir / "Page.template.json")


def headers(template: Template) -> dict[str, str]:
    """What every answer carries, by the name that `web/serving.json` has for it."""
    (policy,) = template.of_type("AWS::CloudFront::ResponseHeadersPolicy").values()
    config = policy["ResponseHeadersPolicyConfig"]
    secured = config["SecurityHeadersConfig"]
    strict = secured["StrictTransportSecurity"]
    return {
        "Content-Security-Policy": secured["ContentSecurityPolicy"]["ContentSecurityPolicy"],
        "X-Content-Type-Options": "nosniff" if secured["ContentTypeOptions"]["Override"] else "",
        "X-Frame-Options": secured["FrameOptions"]["FrameOption"],
        "Referrer-Policy": secured["ReferrerPolicy"]["ReferrerPolicy"],
        "Strict-Transport-Security": f"max-age={strict['AccessControlMaxAgeSec']}; includeSubDomains",
        **{one["Header"]: one["Value"] for one in config["CustomHeadersConfig"]["Items"]},
    }


def test_every_answer_carries_the_headers_that_the_page_carries_on_this_machine(template: Template) -> None:
    assert headers(template) == json.loads(SERVING)["headers"]
    (distribution,) = template.of_type("AWS::CloudFront::Distribution").values()
    config = distribution["DistributionConfig"]
    behaviours = [config["DefaultCacheBehavior"], *config["CacheBehaviors"]]
    assert all(one["ResponseHeadersPolicyId"] for one in behaviours)


def test_what_is_the_api_s_is_asked_of_it_with_the_caller_s_key_and_never_kept(template: Template) -> None:
    (distribution,) = template.of_type("AWS::CloudFront::Distribution").values()
    config = distribution["DistributionConfig"]
    behaviours = config["CacheBehaviors"]
    serving = json.loads(SERVING)
    assert [one["PathPattern"] for one in behaviours] == [*serving["of_the_api"], serving["sockets"]]
    off, all_but_host = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    for one in behaviours:
        assert (one["CachePolicyId"], one["OriginRequestPolicyId"]) == (off, all_but_host), "AWS's own names for these"
        assert one["ViewerProtocolPolicy"] == "https-only"
    host_of = {origin["Id"]: origin["DomainName"] for origin in config["Origins"]}
    *of_the_api, sockets = (host_of[one["TargetOriginId"]] for one in behaviours)
    assert set(of_the_api) == {"abc.execute-api.eu-central-1.amazonaws.com"}
    assert sockets == "def.execute-api.eu-central-1.amazonaws.com"


def test_sockets_open_below_the_page_s_name_at_the_path_of_their_api_s_stage() -> None:
    assert json.loads(SERVING)["sockets"] == f"/{STAGE}"  # CloudFront passes paths on as they are


def test_nobody_reads_the_bucket_but_the_distribution(template: Template) -> None:
    (bucket,) = template.of_type("AWS::S3::Bucket").values()
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    (policy,) = template.of_type("AWS::S3::BucketPolicy").values()
    readers = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    assert [one["Principal"] for one in readers] == [{"Service": "cloudfront.amazonaws.com"}]
    assert readers[0]["Condition"]["StringEquals"]["AWS:SourceArn"]
