// Unpacks the browser that the package carries, and tells where it is.
import chromium from "@sparticuz/chromium";

process.stdout.write(await chromium.executablePath());
