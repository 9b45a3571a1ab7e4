"""`python -m monitor` and the script `monitor` are the same command.

Processes that are begun to read posts load the script too; so it imports nothing until it is called.
"""


def main() -> None:
    """Run the command line."""
    from monitor.cli import main as command  # noqa: PLC0415

    command()


if __name__ == "__main__":
    main()
