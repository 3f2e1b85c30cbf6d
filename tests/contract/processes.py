"""The names that tests know processes of loopback by; they are standins/loopback's."""

from standins.loopback.processes import Running, as_user, free_port

__all__ = ["Running", "as_user", "free_port"]
