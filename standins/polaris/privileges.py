"""Polaris' privileges as data: what each includes, and which each operation asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_KINDS: Final = ("NAMESPACE", "TABLE", "VIEW", "POLICY")

_STRUCTURE: Final = frozenset(
    f"TABLE_{change}"
    for change in (
        "ASSIGN_UUID",
        "UPGRADE_FORMAT_VERSION",
        "ADD_SCHEMA",
        "SET_CURRENT_SCHEMA",
        "ADD_PARTITION_SPEC",
        "ADD_SORT_ORDER",
        "SET_DEFAULT_SORT_ORDER",
        "REMOVE_SNAPSHOTS",
        "REMOVE_SNAPSHOT_REF",
        "SET_LOCATION",
        "SET_PROPERTIES",
        "REMOVE_PROPERTIES",
        "SET_STATISTICS",
        "REMOVE_STATISTICS",
        "REMOVE_PARTITION_SPECS",
    )
)

# What a privilege includes directly; what those include follows from the same table.
_INCLUDES: Final[Mapping[str, frozenset[str]]] = {
    "SERVICE_MANAGE_ACCESS": frozenset(
        {
            "CATALOG_FULL_METADATA",
            "PRINCIPAL_FULL_METADATA",
            "PRINCIPAL_RESET_CREDENTIALS",
            "PRINCIPAL_MANAGE_GRANTS_ON_SECURABLE",
            "PRINCIPAL_MANAGE_GRANTS_FOR_GRANTEE",
            "PRINCIPAL_ROLE_FULL_METADATA",
            "PRINCIPAL_ROLE_MANAGE_GRANTS_ON_SECURABLE",
            "PRINCIPAL_ROLE_MANAGE_GRANTS_FOR_GRANTEE",
        }
    ),
    "CATALOG_MANAGE_ACCESS": frozenset(
        {
            "CATALOG_ROLE_FULL_METADATA",
            "CATALOG_ROLE_MANAGE_GRANTS_ON_SECURABLE",
            "CATALOG_ROLE_MANAGE_GRANTS_FOR_GRANTEE",
            "CATALOG_MANAGE_GRANTS_ON_SECURABLE",
            *(f"{kind}_MANAGE_GRANTS_ON_SECURABLE" for kind in _KINDS),
        }
    ),
    "CATALOG_MANAGE_CONTENT": frozenset({"CATALOG_MANAGE_METADATA", "TABLE_WRITE_DATA"}),
    "CATALOG_MANAGE_METADATA": frozenset(
        {
            "CATALOG_WRITE_PROPERTIES",
            *(f"{kind}_FULL_METADATA" for kind in _KINDS),
            "POLICY_ATTACH",
            "POLICY_DETACH",
            *(
                f"{kind}_{act}_POLICY"
                for kind in ("CATALOG", "NAMESPACE", "TABLE")
                for act in ("ATTACH", "DETACH")
            ),
        }
    ),
    "CATALOG_FULL_METADATA": frozenset({"CATALOG_CREATE", "CATALOG_DROP", "CATALOG_WRITE_PROPERTIES"}),
    "CATALOG_WRITE_PROPERTIES": frozenset({"CATALOG_READ_PROPERTIES"}),
    "CATALOG_READ_PROPERTIES": frozenset({"CATALOG_LIST"}),
    "CATALOG_CREATE": frozenset({"CATALOG_LIST"}),
    **{
        f"{kind}_FULL_METADATA": frozenset({f"{kind}_CREATE", f"{kind}_DROP", f"{kind}_WRITE_PROPERTIES"})
        for kind in ("NAMESPACE", "TABLE", "VIEW", "PRINCIPAL", "PRINCIPAL_ROLE", "CATALOG_ROLE")
    },
    **{
        f"{kind}_WRITE_PROPERTIES": frozenset({f"{kind}_READ_PROPERTIES"})
        for kind in ("NAMESPACE", "VIEW", "PRINCIPAL", "PRINCIPAL_ROLE", "CATALOG_ROLE")
    },
    **{
        f"{kind}_{act}": frozenset({f"{kind}_LIST"})
        for kind in ("NAMESPACE", "TABLE", "VIEW", "PRINCIPAL", "PRINCIPAL_ROLE", "CATALOG_ROLE")
        for act in ("CREATE", "READ_PROPERTIES")
    },
    "TABLE_WRITE_PROPERTIES": frozenset(
        {"TABLE_READ_PROPERTIES", "TABLE_MANAGE_STRUCTURE", "TABLE_ADD_SNAPSHOT", "TABLE_SET_SNAPSHOT_REF"}
    ),
    "TABLE_MANAGE_STRUCTURE": _STRUCTURE,
    "TABLE_WRITE_DATA": frozenset({"TABLE_READ_DATA", "TABLE_WRITE_PROPERTIES"}),
    "TABLE_READ_DATA": frozenset({"TABLE_READ_PROPERTIES"}),
    "POLICY_FULL_METADATA": frozenset({"POLICY_CREATE", "POLICY_DROP", "POLICY_WRITE"}),
    "POLICY_WRITE": frozenset({"POLICY_READ"}),
    "POLICY_READ": frozenset({"POLICY_LIST"}),
    "POLICY_CREATE": frozenset({"POLICY_LIST"}),
    **{
        f"{kind}_MANAGE_GRANTS_ON_SECURABLE": frozenset({f"{kind}_LIST_GRANTS"})
        for kind in ("CATALOG", "NAMESPACE", "TABLE", "VIEW", "PRINCIPAL", "PRINCIPAL_ROLE", "CATALOG_ROLE")
    },
    **{
        f"{kind}_MANAGE_GRANTS_FOR_GRANTEE": frozenset({f"{kind}_LIST_GRANTS"})
        for kind in ("PRINCIPAL", "PRINCIPAL_ROLE", "CATALOG_ROLE")
    },
}


def _closure(privilege: str) -> frozenset[str]:
    found = {privilege}
    todo = [privilege]
    while todo:
        for included in _INCLUDES.get(todo.pop(), frozenset()):
            if included not in found:
                found.add(included)
                todo.append(included)
    return frozenset(found)


INCLUDED: Final[Mapping[str, frozenset[str]]] = {name: _closure(name) for name in _INCLUDES}
"""Every privilege that includes others, with all that it includes and itself."""

_TABLE_CHANGES: Final = frozenset(
    {*_STRUCTURE, "TABLE_ADD_SNAPSHOT", "TABLE_SET_SNAPSHOT_REF", "TABLE_MANAGE_STRUCTURE"}
)
_TABLE_ACTS: Final = frozenset(
    f"TABLE_{act}"
    for act in (
        "DROP",
        "LIST",
        "READ_PROPERTIES",
        "WRITE_PROPERTIES",
        "READ_DATA",
        "WRITE_DATA",
        "FULL_METADATA",
    )
)
_VIEW_ACTS: Final = frozenset(
    f"VIEW_{act}" for act in ("DROP", "LIST", "READ_PROPERTIES", "WRITE_PROPERTIES", "FULL_METADATA")
)
_BELOW_CATALOG: Final = frozenset(
    {
        "CATALOG_MANAGE_ACCESS",
        "CATALOG_MANAGE_CONTENT",
        "CATALOG_MANAGE_METADATA",
        "TABLE_CREATE",
        "VIEW_CREATE",
        *_TABLE_ACTS,
        *_TABLE_CHANGES,
        *_VIEW_ACTS,
        *(
            f"NAMESPACE_{act}"
            for act in ("CREATE", "DROP", "LIST", "READ_PROPERTIES", "WRITE_PROPERTIES", "FULL_METADATA")
        ),
        *(f"POLICY_{act}" for act in ("CREATE", "READ", "DROP", "WRITE", "LIST", "FULL_METADATA")),
    }
)

GRANTABLE: Final[Mapping[str, frozenset[str]]] = {
    "catalog": _BELOW_CATALOG
    | {
        "CATALOG_READ_PROPERTIES",
        "CATALOG_WRITE_PROPERTIES",
        "CATALOG_ATTACH_POLICY",
        "CATALOG_DETACH_POLICY",
    },
    "namespace": _BELOW_CATALOG | {"NAMESPACE_ATTACH_POLICY", "NAMESPACE_DETACH_POLICY"},
    "table": _TABLE_ACTS
    | _TABLE_CHANGES
    | {"CATALOG_MANAGE_ACCESS", "TABLE_ATTACH_POLICY", "TABLE_DETACH_POLICY"},
    "view": _VIEW_ACTS | {"CATALOG_MANAGE_ACCESS"},
}
"""Which privileges may be granted on a catalog, a namespace, a table, a view."""


def _needs(*privileges: str) -> frozenset[str]:
    return frozenset(privileges)


OPERATIONS: Final[Mapping[str, frozenset[str]]] = {
    "LIST_NAMESPACES": _needs("NAMESPACE_LIST"),
    "CREATE_NAMESPACE": _needs("NAMESPACE_CREATE"),
    "LOAD_NAMESPACE_METADATA": _needs("NAMESPACE_READ_PROPERTIES"),
    "NAMESPACE_EXISTS": _needs("NAMESPACE_LIST"),
    "DROP_NAMESPACE": _needs("NAMESPACE_DROP"),
    "UPDATE_NAMESPACE_PROPERTIES": _needs("NAMESPACE_WRITE_PROPERTIES"),
    "LIST_TABLES": _needs("TABLE_LIST"),
    "CREATE_TABLE_DIRECT": _needs("TABLE_CREATE"),
    "CREATE_TABLE_DIRECT_WITH_WRITE_DELEGATION": _needs("TABLE_CREATE", "TABLE_WRITE_DATA"),
    "CREATE_TABLE_STAGED": _needs("TABLE_CREATE"),
    "CREATE_TABLE_STAGED_WITH_WRITE_DELEGATION": _needs("TABLE_CREATE", "TABLE_WRITE_DATA"),
    "REGISTER_TABLE": _needs("TABLE_CREATE"),
    "LOAD_TABLE": _needs("TABLE_READ_PROPERTIES"),
    "LOAD_TABLE_WITH_READ_DELEGATION": _needs("TABLE_READ_DATA"),
    "LOAD_TABLE_WITH_WRITE_DELEGATION": _needs("TABLE_WRITE_DATA"),
    "UPDATE_TABLE": _needs("TABLE_WRITE_PROPERTIES"),
    "UPDATE_TABLE_FOR_STAGED_CREATE": _needs("TABLE_CREATE"),
    "DROP_TABLE_WITHOUT_PURGE": _needs("TABLE_DROP"),
    "DROP_TABLE_WITH_PURGE": _needs("TABLE_DROP", "TABLE_WRITE_DATA"),
    "TABLE_EXISTS": _needs("TABLE_LIST"),
    "RENAME_TABLE": _needs("TABLE_DROP"),
    "COMMIT_TRANSACTION": _needs("TABLE_WRITE_PROPERTIES", "TABLE_CREATE"),
    "REPORT_READ_METRICS": _needs("TABLE_READ_DATA"),
    "REPORT_WRITE_METRICS": _needs("TABLE_WRITE_DATA"),
    "LIST_VIEWS": _needs("VIEW_LIST"),
    "CREATE_VIEW": _needs("VIEW_CREATE"),
    "LOAD_VIEW": _needs("VIEW_READ_PROPERTIES"),
    "REPLACE_VIEW": _needs("VIEW_WRITE_PROPERTIES"),
    "DROP_VIEW": _needs("VIEW_DROP"),
    "VIEW_EXISTS": _needs("VIEW_LIST"),
    "RENAME_VIEW": _needs("VIEW_DROP"),
    "LIST_CATALOGS": _needs("CATALOG_LIST"),
    "CREATE_CATALOG": _needs("CATALOG_CREATE"),
    "GET_CATALOG": _needs("CATALOG_READ_PROPERTIES"),
    "UPDATE_CATALOG": _needs("CATALOG_WRITE_PROPERTIES"),
    "DELETE_CATALOG": _needs("CATALOG_DROP"),
    "LIST_PRINCIPALS": _needs("PRINCIPAL_LIST"),
    "CREATE_PRINCIPAL": _needs("PRINCIPAL_CREATE"),
    "GET_PRINCIPAL": _needs("PRINCIPAL_READ_PROPERTIES"),
    "UPDATE_PRINCIPAL": _needs("PRINCIPAL_WRITE_PROPERTIES"),
    "DELETE_PRINCIPAL": _needs("PRINCIPAL_DROP"),
    "ROTATE_CREDENTIALS": _needs("PRINCIPAL_ROTATE_CREDENTIALS"),
    "RESET_CREDENTIALS": _needs("PRINCIPAL_RESET_CREDENTIALS"),
    "LIST_PRINCIPAL_ROLES_ASSIGNED": _needs("PRINCIPAL_LIST_GRANTS"),
    "ASSIGN_PRINCIPAL_ROLE": _needs("PRINCIPAL_ROLE_MANAGE_GRANTS_ON_SECURABLE"),
    "REVOKE_PRINCIPAL_ROLE": _needs(
        "PRINCIPAL_ROLE_MANAGE_GRANTS_ON_SECURABLE", "PRINCIPAL_MANAGE_GRANTS_FOR_GRANTEE"
    ),
    "LIST_PRINCIPAL_ROLES": _needs("PRINCIPAL_ROLE_LIST"),
    "CREATE_PRINCIPAL_ROLE": _needs("PRINCIPAL_ROLE_CREATE"),
    "GET_PRINCIPAL_ROLE": _needs("PRINCIPAL_ROLE_READ_PROPERTIES"),
    "UPDATE_PRINCIPAL_ROLE": _needs("PRINCIPAL_ROLE_WRITE_PROPERTIES"),
    "DELETE_PRINCIPAL_ROLE": _needs("PRINCIPAL_ROLE_DROP"),
    "LIST_ASSIGNEE_PRINCIPALS_FOR_PRINCIPAL_ROLE": _needs("PRINCIPAL_ROLE_LIST_GRANTS"),
    "LIST_CATALOG_ROLES_FOR_PRINCIPAL_ROLE": _needs("PRINCIPAL_ROLE_LIST_GRANTS"),
    "ASSIGN_CATALOG_ROLE_TO_PRINCIPAL_ROLE": _needs("CATALOG_ROLE_MANAGE_GRANTS_ON_SECURABLE"),
    "REVOKE_CATALOG_ROLE_FROM_PRINCIPAL_ROLE": _needs("CATALOG_ROLE_MANAGE_GRANTS_ON_SECURABLE"),
    "LIST_CATALOG_ROLES": _needs("CATALOG_ROLE_LIST"),
    "CREATE_CATALOG_ROLE": _needs("CATALOG_ROLE_CREATE"),
    "GET_CATALOG_ROLE": _needs("CATALOG_ROLE_READ_PROPERTIES"),
    "UPDATE_CATALOG_ROLE": _needs("CATALOG_ROLE_WRITE_PROPERTIES"),
    "DELETE_CATALOG_ROLE": _needs("CATALOG_ROLE_DROP"),
    "LIST_ASSIGNEE_PRINCIPAL_ROLES_FOR_CATALOG_ROLE": _needs("CATALOG_ROLE_LIST_GRANTS"),
    "LIST_GRANTS_FOR_CATALOG_ROLE": _needs("CATALOG_ROLE_LIST_GRANTS"),
    **{
        f"ADD_{kind}_GRANT_TO_CATALOG_ROLE": _needs(f"{kind}_MANAGE_GRANTS_ON_SECURABLE")
        for kind in ("CATALOG", "NAMESPACE", "TABLE", "VIEW")
    },
    **{
        f"REVOKE_{kind}_GRANT_FROM_CATALOG_ROLE": _needs(
            f"{kind}_MANAGE_GRANTS_ON_SECURABLE", "CATALOG_ROLE_MANAGE_GRANTS_FOR_GRANTEE"
        )
        for kind in ("CATALOG", "NAMESPACE", "TABLE", "VIEW")
    },
    "ASSIGN_TABLE_UUID": _needs("TABLE_ASSIGN_UUID"),
    "UPGRADE_TABLE_FORMAT_VERSION": _needs("TABLE_UPGRADE_FORMAT_VERSION"),
    "ADD_TABLE_SCHEMA": _needs("TABLE_ADD_SCHEMA"),
    "SET_TABLE_CURRENT_SCHEMA": _needs("TABLE_SET_CURRENT_SCHEMA"),
    "ADD_TABLE_PARTITION_SPEC": _needs("TABLE_ADD_PARTITION_SPEC"),
    "ADD_TABLE_SORT_ORDER": _needs("TABLE_ADD_SORT_ORDER"),
    "SET_TABLE_DEFAULT_SORT_ORDER": _needs("TABLE_SET_DEFAULT_SORT_ORDER"),
    "ADD_TABLE_SNAPSHOT": _needs("TABLE_ADD_SNAPSHOT"),
    "SET_TABLE_SNAPSHOT_REF": _needs("TABLE_SET_SNAPSHOT_REF"),
    "REMOVE_TABLE_SNAPSHOTS": _needs("TABLE_REMOVE_SNAPSHOTS"),
    "REMOVE_TABLE_SNAPSHOT_REF": _needs("TABLE_REMOVE_SNAPSHOT_REF"),
    "SET_TABLE_LOCATION": _needs("TABLE_SET_LOCATION"),
    "SET_TABLE_PROPERTIES": _needs("TABLE_SET_PROPERTIES"),
    "REMOVE_TABLE_PROPERTIES": _needs("TABLE_REMOVE_PROPERTIES"),
    "SET_TABLE_STATISTICS": _needs("TABLE_SET_STATISTICS"),
    "REMOVE_TABLE_STATISTICS": _needs("TABLE_REMOVE_STATISTICS"),
    "REMOVE_TABLE_PARTITION_SPECS": _needs("TABLE_REMOVE_PARTITION_SPECS"),
}
"""Every operation with the privileges that the caller must hold on its target."""

SECONDARY: Final[Mapping[str, frozenset[str]]] = {
    "RENAME_TABLE": _needs("TABLE_LIST", "TABLE_CREATE"),
    "RENAME_VIEW": _needs("VIEW_LIST", "VIEW_CREATE"),
}
"""What a rename asks for on the namespace that the table or view moves to."""

TABLE_UPDATES: Final[Mapping[str, str]] = {
    "assign-uuid": "ASSIGN_TABLE_UUID",
    "upgrade-format-version": "UPGRADE_TABLE_FORMAT_VERSION",
    "add-schema": "ADD_TABLE_SCHEMA",
    "set-current-schema": "SET_TABLE_CURRENT_SCHEMA",
    "add-spec": "ADD_TABLE_PARTITION_SPEC",
    "set-default-spec": "ADD_TABLE_PARTITION_SPEC",
    "add-sort-order": "ADD_TABLE_SORT_ORDER",
    "set-default-sort-order": "SET_TABLE_DEFAULT_SORT_ORDER",
    "add-snapshot": "ADD_TABLE_SNAPSHOT",
    "set-snapshot-ref": "SET_TABLE_SNAPSHOT_REF",
    "remove-snapshots": "REMOVE_TABLE_SNAPSHOTS",
    "remove-snapshot-ref": "REMOVE_TABLE_SNAPSHOT_REF",
    "set-location": "SET_TABLE_LOCATION",
    "set-properties": "SET_TABLE_PROPERTIES",
    "remove-properties": "REMOVE_TABLE_PROPERTIES",
    "set-statistics": "SET_TABLE_STATISTICS",
    "remove-statistics": "REMOVE_TABLE_STATISTICS",
    "remove-partition-specs": "REMOVE_TABLE_PARTITION_SPECS",
}
"""The finer operation of each kind of table change; any other kind is UPDATE_TABLE."""


def includes(granted: str, wanted: str) -> bool:
    """Whether holding `granted` is enough where `wanted` is asked for."""
    return wanted == granted or wanted in INCLUDED.get(granted, frozenset())
