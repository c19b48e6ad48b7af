"""boto3: objects put into a bucket and read back, with one client for all."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import Address, Client

CLIENT = Client("boto3", server="moto")
BUCKET = "clients"


def connect(address: Address) -> Any:
    config = import_module("botocore.config").Config(max_pool_connections=CLIENT.parties)
    client = import_module("boto3").client(
        "s3",
        endpoint_url=address["url"],
        region_name="us-east-1",
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
        config=config,
    )
    client.create_bucket(Bucket=BUCKET)
    return client


def operate(pool: Any, number: int) -> int:
    pool.put_object(Bucket=BUCKET, Key=str(number), Body=str(number).encode())
    return int(pool.get_object(Bucket=BUCKET, Key=str(number))["Body"].read())
