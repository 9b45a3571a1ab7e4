"""A local Telegram that plays scenarios: for the demo, the tests and the benchmarks.

It knows nothing of the product but its words (`monitor.model`), so that what it shows is an outside world.
"""
