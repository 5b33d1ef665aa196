"""`/limits`. https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_limits.htm"""

from __future__ import annotations

from pipelines.sandbox.salesforce.gate import SalesforceCall, routes
from pipelines.sandbox.web import Answer

V = "/services/data/{version}"
FIXED = {
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyDeliveredPlatformEvents": 10_000,
    "FileStorageMB": 10_240,
}
KILOBYTES_A_ROW = 2


@routes.on("GET", f"{V}/limits")
def limits(call: SalesforceCall) -> Answer:
    """What is allowed and what is left."""
    daily = int(call.switch("daily_limit"))
    found = {name: {"Max": most, "Remaining": most} for name, most in FIXED.items()}
    found["DailyApiRequests"] = {"Max": daily, "Remaining": max(daily - call.book.used(call.now), 0)}
    count = sum(len(table) for table in call.org.tables.values())
    most = call.switch("storage_rows")
    megabytes = 10_240 if most is None else int(most) * KILOBYTES_A_ROW // 1024
    found["DataStorageMB"] = {"Max": megabytes, "Remaining": max(megabytes - count * KILOBYTES_A_ROW // 1024, 0)}
    return Answer(200, found)
