"""`indexer fleet push` and `indexer fleet pull`: a fleet shared through an object store."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import json_option, print_report, wait_option
from .options import place_options
from .text import exchanged_lines


@click.command(name="push")
@click.argument("url")
@place_options
@json_option
def push_command(url: str, fleet_file: Path, fleet_dir: Path, as_json: bool) -> None:
    """Publish the fleet at a URL of fsspec, such as s3://bucket/fleet.

    Only shards that are not there are sent, the texts of what is indexed among them. Those who pull see all of it or
    nothing. Needs the extra `store`, and the store's driver.
    """
    from ...fleet.exchange import push_fleet

    print_report(push_fleet(fleet_dir, url), exchanged_lines, as_json=as_json)


@click.command(name="pull")
@click.argument("url")
@place_options
@wait_option
@json_option
def pull_command(url: str, fleet_file: Path, fleet_dir: Path, wait_seconds: float, as_json: bool) -> None:
    """Fetch what was pushed to a URL, to be searched here.

    Only shards that are not here are fetched, and each is verified before it is taken over.
    """
    from ...fleet.exchange import pull_fleet

    print_report(pull_fleet(url, fleet_dir, wait_seconds=wait_seconds), exchanged_lines, as_json=as_json)
