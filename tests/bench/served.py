"""A fleet of a given size, served by the simulated estate in a process of its own."""

from dataclasses import dataclass

from estate import Estate

REGIONS = ["eu-central-1", "us-east-1", "ap-southeast-2"]


@dataclass(frozen=True)
class Fleet:
    """Instances, spread evenly over accounts and regions."""

    accounts: int
    regions: int
    instances: int

    def scenario(self):
        """The scenario file that describes it; request limits are AWS's, as everywhere."""
        return (
            f'name = "bench"\nseed = 1\n\n[fleet]\naccounts = {self.accounts}\n'
            f"regions = {REGIONS[: self.regions]}\ninstances = {self.instances}\n"
        )


class ServedFleet:
    """The estate with the fleet in it, while the block runs."""

    def __init__(self, binary, fleet, directory):
        scenario = directory / "fleet.toml"
        scenario.write_text(fleet.scenario())
        self._arguments = [binary, scenario, directory]
        #: How many instances the first scan found: what every other one has to find too.
        self.expected = None

    def __enter__(self):
        self.estate = Estate(*self._arguments)
        return self

    def __exit__(self, *_):
        self.estate.stop()
