"""The names that tests know the servers of loopback by; they are standins/loopback's."""

from standins.loopback.stack import (
    BUCKET,
    ROOT_ID,
    ROOT_SECRET,
    Minio,
    StandIn,
    Target,
    given,
    make_bucket,
)

__all__ = ["BUCKET", "ROOT_ID", "ROOT_SECRET", "Minio", "StandIn", "Target", "given", "make_bucket"]
