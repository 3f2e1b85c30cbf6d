@US2
Feature: Compilation
  As a data engineer I need what I wrote to become all that a run needs, the same every time, or to be
  told before anything runs what is wrong, with everything as it was.

  @FR-010  # reviewed 9f15a5ef
  Scenario: A compiled product is what its files say
    Given every product of the demo is compiled
    Then each is what its floe.yaml and manifest.yaml say, in the contract of this floe

  @FR-010  # reviewed 9f15a5ef
  Scenario: The command that a data engineer types compiles
    When a data engineer types the compile command of customer-360
    Then what a run needs is there

  @FR-011  # reviewed 89c12cf9
  Scenario: A compilation goes through six stages, one after the other
    Given every product of the demo is compiled
    Then floe's own log tells these stages, each complete before the next begins
      | LOAD     |
      | VALIDATE |
      | RESOLVE  |
      | ENFORCE  |
      | COMPILE  |
      | GENERATE |

  @FR-011  # reviewed 89c12cf9
  Scenario Outline: A compilation stops at the stage that finds a mistake
    Given a team's customer-360 with <mistake>
    When the team compiles it
    Then it stops at <stage>, says so, and nothing is written

    Examples:
      | stage    | mistake                                   |
      | LOAD     | no floe.yaml                              |
      | VALIDATE | a quality provider that nobody knows      |
      | RESOLVE  | no orchestrator                           |
      | ENFORCE  | a sink that the platform does not approve |
      | COMPILE  | a storage without a bucket                |
      | GENERATE | a model that reads a table nobody makes   |

  @FR-012  # reviewed 176e581e
  Scenario: An override wins where it may, and silence takes what is above
    Given a team's customer-360 with a domain's manifest and overrides it may make
    When the team compiles it
    Then this applies to it
      | what                             | applies            | because it is said by      |
      | the compute of stg_transactions  | duckdb             | the product                |
      | the compute of mart_customer_360 | duckdb-iceberg     | the platform               |
      | the memory of the compute        | 256MB              | the domain                 |
      | the days that data is kept       | 90                 | the domain, more strictly  |
      | the orchestrator                 | dagster-iceberg    | the enterprise             |
      | audit logging                    | enabled            | the enterprise             |
      | lineage                          | off                | the enterprise             |
      | whose manifests                  | enterprise, domain | the domain names its above |

  @FR-012  # reviewed 176e581e
  Scenario Outline: An override that is forbidden is refused by name
    Given a team's customer-360 with <override>
    When the team compiles it
    Then it is refused, and what is wrong is named
      | file   | line | field   | named   |
      | <file> | -    | <field> | <named> |

    Examples:
      | override                                                     | file             | field                               | named         |
      | a compute that the enterprise does not approve               | floe.yaml        | transforms[1].compute               | duckdb        |
      | a domain's orchestrator that the enterprise does not approve | manifest.yaml    | plugins.orchestrator.type           | airflow       |
      | a domain's policy weaker than the enterprise's               | manifest.yaml    | governance.policy_enforcement_level | off is weaker |
      | a domain that does not approve the product                   | floe.yaml        | metadata.name                       | customer-360  |
      | manifests that inherit from each other                       | enterprise.yaml  | parent_manifest                     | a circle      |

  @FR-013  # reviewed 7fe6f521
  Scenario: dbt accepts the profile
    Given every product of the demo is compiled
    Then dbt finds each profile valid and parses the product with it

  @FR-013  # reviewed 7fe6f521
  Scenario: A profile refers to credentials and holds none
    Given every product of the demo is compiled
    Then each profile reads every credential from its surroundings, and no file holds one

  @FR-014  # reviewed 4bc88f47
  Scenario: Every compiled product is a code location of its own
    Given every product of the demo is compiled
    Then Dagster loads each from the workspace as a code location of its own

  @FR-016  # reviewed 29756ead
  Scenario: The same files compile to the same bytes
    Given customer-360 compiled for one moment in two places, by two processes with other seeds and time zones
    Then both made the same files, byte for byte

  @FR-016  # reviewed 29756ead
  Scenario: Only the clock tells two compilations apart
    Given every product of the demo is compiled
    And customer-360 compiled for one moment in two places, by two processes with other seeds and time zones
    Then these fields differ between the compilations of customer-360 and no other
      | file                    | field                          |
      | compiled_artifacts.json | metadata.compiled_at           |
      | manifest.json           | metadata.generated_at          |
      | manifest.json           | metadata.invocation_id         |
      | manifest.json           | metadata.invocation_started_at |
      | manifest.json           | metadata.run_started_at        |
      | manifest.json           | each.created_at                |
      | partial_parse.msgpack   | metadata.generated_at          |
      | partial_parse.msgpack   | metadata.invocation_id         |
      | partial_parse.msgpack   | metadata.invocation_started_at |
      | partial_parse.msgpack   | metadata.run_started_at        |
      | partial_parse.msgpack   | each.created_at                |
      | partial_parse.msgpack   | each.path.modification_time    |

  @EDGE-05  # reviewed f9620b47
  Scenario: A model that the engine cannot run is found before a run
    Given a team's customer-360 with a misspelt word in one model and a misspelt column in another
    When the team compiles it
    Then it is refused, and what is wrong is named
      | file                                   | line                       | field               | named                                                   |
      | models/staging/stg_support_tickets.sql | where ticket_id iz not null | stg_support_tickets | Parser Error: syntax error at or near "iz"              |
      | models/staging/stg_transactions.sql    | and unit_prise is not null | stg_transactions    | Binder Error: Referenced column "unit_prise" not found  |

  @EDGE-05  # reviewed f9620b47
  Scenario: A model that reads a table nobody makes is found before a run
    Given a team's customer-360 with a model that reads a table nobody makes
    When the team compiles it
    Then it is refused, and what is wrong is named
      | file                               | line | field             | named                                                  |
      | models/marts/mart_customer_360.sql | -    | mart_customer_360 | there is no model, seed or source "int_customer_order" |
