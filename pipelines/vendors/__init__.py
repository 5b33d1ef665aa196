"""The outside world as we speak to it: one folder a vendor, with its client, its source and its destination."""
