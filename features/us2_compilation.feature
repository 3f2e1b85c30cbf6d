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
      | a domain's exception from its enterprise's policies          | manifest.yaml    | governance.policy_overrides         | is said by    |
      | a sink that the enterprise does not approve                  | floe.yaml        | destinations[0].sink_type           | salesforce    |
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
  Scenario: A model that the engine cannot add to is found before a run
    Given a team's customer-360 with a misspelt column in what a run adds to a table
    When the team compiles it
    Then it is refused, and what is wrong is named
      | file                                | line                                    | field            | named                                            |
      | models/staging/stg_transactions.sql | and known.loaded_on = renamed.loaded_at | stg_transactions | Binder Error: Referenced table "known" not found                 |

  @EDGE-05  # reviewed f9620b47
  Scenario: A model that reads a table nobody makes is found before a run
    Given a team's customer-360 with a model that reads a table nobody makes
    When the team compiles it
    Then it is refused, and what is wrong is named
      | file                               | line | field             | named                                                  |
      | models/marts/mart_customer_360.sql | -    | mart_customer_360 | there is no model, seed or source "int_customer_order" |

  @FR-015  # reviewed c0188cf9
  Scenario Outline: A file that cannot be read as floe.yaml is refused
    Given a team writes customer-360 with <mistake>
    When they compile it
    Then it is refused for this and for nothing else
      | file   | line   | field   | expected   | because |
      | <file> | <line> | <field> | <expected> | <because> |
    And nothing was written, and nothing of the inside was told

    Examples:
      | mistake                         | file      | line                 | field             | expected                                                                                 | because |
      | no floe.yaml                    | floe.yaml | -                    | -                 | a product's apiVersion, kind, metadata, platform and transforms                          | there is no such file |
      | a folder called floe.yaml       | floe.yaml | -                    | -                 | a file, a product's apiVersion, kind, metadata, platform and transforms                  | is a folder |
      | a floe.yaml that cannot be read | floe.yaml | -                    | -                 | a file that can be read, a product's apiVersion, kind, metadata, platform and transforms | cannot be read |
      | an empty floe.yaml              | floe.yaml | -                    | -                 | a product's apiVersion, kind, metadata, platform and transforms                          | is empty |
      | comments only                   | floe.yaml | -                    | -                 | a product's apiVersion, kind, metadata, platform and transforms                          | is empty |
      | a floe.yaml of 50 MB            | floe.yaml | -                    | -                 | at most 1 MiB                                                                            | has 47.7 MiB |
      | a picture                       | floe.yaml | PNG                  | -                 | text in UTF-8                                                                            | is not UTF-8 |
      | a letter in Latin-1             | floe.yaml | how they feel        | -                 | text in UTF-8                                                                            | is not UTF-8 |
      | a sentence                      | floe.yaml | -                    | -                 | a product's apiVersion, kind, metadata, platform and transforms, as `field: value` lines | is one text |
      | a list                          | floe.yaml | -                    | -                 | a product's apiVersion, kind, metadata, platform and transforms, as `field: value` lines | is a list |
      | a tab                           | floe.yaml | tier: gold           | -                 | spaces; YAML takes no tabs there                                                         | a tab in the indentation |
      | an open bracket                 | floe.yaml | tags: [mart          | -                 | a ] at its end                                                                           | a list that is not closed |
      | an open quote                   | floe.yaml | owner: 'customer     | -                 | a quote at the end of the text                                                           | a quote that is not closed |
      | a crooked indentation           | floe.yaml | tier: gold           | -                 | the fields of one entry indented alike, each entry behind a `-`                          | an indentation that does not fit the list it is in |
      | a field twice                   | floe.yaml | owner: somebody-else | metadata.owner    | every field once                                                                         | is there 2 times |
      | aliases that explode            | floe.yaml | -                    | -                 | at most 20,000 values, since a few lines of aliases can stand for gigabytes              | holds too many values, those that its aliases (*name) stand for included |
      | a second document               | floe.yaml | ---                  | -                 | one document: no line `---` but the first                                                | a second document |
      | a program in a tag              | floe.yaml | timezone:            | schedule.timezone | a plain text, number, list or group of fields                                            | the tag python/name:os.system |

  @FR-015  # reviewed c0188cf9
  Scenario Outline: A file that says something wrong is refused, by field
    Given a team writes customer-360 with <mistake>
    When they compile it
    Then it is refused for this and for nothing else
      | file   | line   | field   | expected   | because |
      | <file> | <line> | <field> | <expected> | <because> |
    And nothing was written, and nothing of the inside was told

    Examples:
      | mistake                      | file             | line                        | field                       | expected                                                                                                                                                                                  | because |
      | no version                   | floe.yaml        | metadata:                   | metadata.version            | three numbers with dots between them, such as 1.0.0                                                                                                                                       | is missing |
      | no transforms                | floe.yaml        | -                           | transforms                  | List of dbt models/transforms (at least one required)                                                                                                                                     | is missing |
      | an empty list of transforms  | floe.yaml        | transforms: []              | transforms                  | 1 or more entries                                                                                                                                                                         | a list |
      | a misspelt field             | floe.yaml        | teir: gold                  | transforms[5].teir          | one of compute, dependsOn, name, qualityChecks, tags, tier                                                                                                                                | there is no such field |
      | a tier that is none          | floe.yaml        | tier: platinum              | transforms[5].tier          | one of bronze, silver, gold                                                                                                                                                               | "platinum" |
      | a text for a list            | floe.yaml        | dependsOn: stg_transactions | transforms[3].dependsOn     | a list of texts                                                                                                                                                                           | "stg_transactions" |
      | a number for a version       | floe.yaml        | version: 1.0                | metadata.version            | a text                                                                                                                                                                                    | the number 1.0 |
      | a version of floe to come    | floe.yaml        | floe.dev/v2                 | apiVersion                  | floe.dev/v1                                                                                                                                                                               | "floe.dev/v2" |
      | another kind                 | floe.yaml        | kind: FloeProduct           | kind                        | FloeSpec                                                                                                                                                                                  | "FloeProduct" |
      | a name with a path           | floe.yaml        | name: ../customer-360       | metadata.name               | small letters, digits and hyphens, a letter first, such as customer-analytics                                                                                                             | "../customer-360" |
      | a model with a hyphen        | floe.yaml        | mart-customer-360           | transforms[5].name          | letters, digits and underscores, no digit first, such as stg_customers                                                                                                                    | "mart-customer-360" |
      | a perhaps                    | floe.yaml        | enabled: perhaps            | schedule.enabled            | true or false                                                                                                                                                                             | "perhaps" |
      | a word for a schedule        | floe.yaml        | schedule: daily             | schedule                    | a group of fields                                                                                                                                                                         | "daily" |
      | a password                   | floe.yaml        | password:                   | transforms[5].password      | connections and credentials in manifest.yaml alone                                                                                                                                        | is a field that no floe.yaml may have: a product is the same in every environment |
      | an unknown dependency        | floe.yaml        | int_customer_order,         | transforms[5].dependsOn[1]  | the name of a transform, a seed or a source of this product                                                                                                                               | there is no model "int_customer_order" |
      | a circle                     | floe.yaml        | mart_customer_360]          | transforms[3].dependsOn[1]  | models that can be made one after the other                                                                                                                                               | a circle: int_customer_orders needs mart_customer_360 needs int_customer_orders |
      | a model that needs itself    | floe.yaml        | [int_customer_orders,       | transforms[3].dependsOn[0]  | models that can be made one after the other                                                                                                                                               | a circle: int_customer_orders needs int_customer_orders |
      | a model twice                | floe.yaml        | # again                     | transforms[5].name          | every name once                                                                                                                                                                           | "stg_transactions" is already |
      | a cron that is none          | floe.yaml        | cron:                       | schedule.cron               | minute, hour, day of month, month and day of week, such as 0 6 * * *                                                                                                                      | "61 * * * *" is no schedule |
      | a day that never comes       | floe.yaml        | cron:                       | schedule.cron               | minute, hour, day of month, month and day of week, such as 0 6 * * *                                                                                                                      | "0 6 30 2 *" never comes |
      | a time zone that is none     | floe.yaml        | timezone:                   | schedule.timezone           | a name of the IANA time zones, such as Europe/London                                                                                                                                      | "Europe/Londn" is no time zone |
      | an unknown compute           | floe.yaml        | compute: duckbd             | transforms[5].compute       | one of duckdb, duckdb-iceberg, duckdb-iceberg-portable                                                                                                                                    | the compute plugin "duckbd" is not installed |
      | a way out of the folder      | floe.yaml        | path: ../../orders.csv      | ingestion.sources[0].path   | a name without ..                                                                                                                                                                         | "../../orders.csv" leads out of the product |
      | a name that dbt has          | floe.yaml        | name: dbt                   | metadata.name               | a name that dbt and the catalog can take, such as customer-analytics                                                                                                                      | "dbt" is the name of a package of dbt |
      | a manifest that is not there | floe.yaml        | manifset                    | platform.manifest           | the path of the platform's manifest from here, such as ../manifest.yaml                                                                                                                   | there is no file "../manifset.yaml" |
      | a manifest far away          | floe.yaml        | oci:                        | platform.manifest           | the path of the platform's manifest from here, such as ../manifest.yaml                                                                                                                   | is an address, and nothing is fetched to compile |
      | a model without its file     | floe.yaml        | - name: mart_customer_360   | transforms[5].name          | the name of a model, as mart_customer_360.sql is in the models folder                                                                                                                     | there is no model "mart_customer_360" in the dbt project |
      | a misspelt file              | floe.yaml        | - name: stg_transactions    | transforms[1].name          | the name of a model, as stg_transactions.sql is in the models folder                                                                                                                      | there is no model "stg_transactions" in the dbt project |
      | another profile              | dbt_project.yml  | profile:                    | profile                     | customer_360, the product's name with underscores                                                                                                                                         | "customers" |
      | an empty manifest            | ../manifest.yaml | -                           | -                           | a platform's apiVersion, kind, metadata and plugins                                                                                                                                       | is empty |
      | a manifest without an owner  | ../manifest.yaml | metadata:                   | metadata.owner              | Owner email or team name, such as platform-team@acme.com                                                                                                                                  | is missing |
      | a misspelt group             | ../manifest.yaml | loging:                     | observability.loging        | one of lineage, logging, tracing                                                                                                                                                          | there is no such field |
      | a field no manifest has      | ../manifest.yaml | observabilty:               | observabilty                | one of apiVersion, approved_plugins, approved_products, approved_sinks, artifacts, defaults, governance, kind, metadata, observability, parent_manifest, plugins, resource_presets, scope | there is no such field |
      | a level that is none         | ../manifest.yaml | level: LOUD                 | observability.logging.level | one of DEBUG, INFO, WARNING, ERROR                                                                                                                                                        | "LOUD" |

  @FR-015  # reviewed c0188cf9
  Scenario: All mistakes are told at once
    Given a team writes customer-360 with a misspelt field and a cron that is none and a level that is none
    When they compile it
    Then it is refused for this and for nothing else
      | file             | line        | field                       | expected                                                             | because |
      | floe.yaml        | teir: gold  | transforms[5].teir          | one of compute, dependsOn, name, qualityChecks, tags, tier           | there is no such field |
      | floe.yaml        | cron:       | schedule.cron               | minute, hour, day of month, month and day of week, such as 0 6 * * * | "61 * * * *" is no schedule |
      | ../manifest.yaml | level: LOUD | observability.logging.level | one of DEBUG, INFO, WARNING, ERROR                                   | "LOUD" |
    And nothing was written, and nothing of the inside was told

  @FR-017  # reviewed dc1f3ec2
  Scenario Outline: The exported schema accepts what the demo says
    Then an independent validator that has floe's schema refuses nothing of the demo's <file>

    Examples:
      | file          |
      | floe.yaml     |
      | manifest.yaml |

  @FR-017  # reviewed dc1f3ec2
  Scenario Outline: The exported schema refuses what has the wrong shape
    Given a team writes customer-360 with <mistake>
    Then an independent validator that has floe's schema refuses <field> of their <file>

    Examples:
      | mistake                     | file          | field                       |
      | no version                  | floe.yaml     | metadata.version            |
      | no transforms               | floe.yaml     | transforms                  |
      | an empty list of transforms | floe.yaml     | transforms                  |
      | a misspelt field            | floe.yaml     | transforms[5].teir          |
      | a tier that is none         | floe.yaml     | transforms[5].tier          |
      | a text for a list           | floe.yaml     | transforms[3].dependsOn     |
      | a number for a version      | floe.yaml     | metadata.version            |
      | a version of floe to come   | floe.yaml     | apiVersion                  |
      | another kind                | floe.yaml     | kind                        |
      | a name with a path          | floe.yaml     | metadata.name               |
      | a model with a hyphen       | floe.yaml     | transforms[5].name          |
      | a perhaps                   | floe.yaml     | schedule.enabled            |
      | a word for a schedule       | floe.yaml     | schedule                    |
      | a password                  | floe.yaml     | transforms[5].password      |
      | a manifest without an owner | manifest.yaml | metadata.owner              |
      | a misspelt group            | manifest.yaml | observability.loging        |
      | a field no manifest has     | manifest.yaml | observabilty                |
      | a level that is none        | manifest.yaml | observability.logging.level |
      | an empty floe.yaml          | floe.yaml     | all                         |
      | comments only               | floe.yaml     | all                         |
      | a sentence                  | floe.yaml     | all                         |
      | a list                      | floe.yaml     | all                         |
      | an empty manifest           | manifest.yaml | all                         |

  @FR-017  # reviewed dc1f3ec2
  Scenario: An editor offers what a transform may have
    Given a team writes customer-360 with a transform just begun
    When they open it in an editor that has floe's schema
    Then the editor offers behind "- name: mart_churn": every field of floe's TransformSpec but name

  @FR-017  # reviewed dc1f3ec2
  Scenario Outline: An editor marks a mistake while it is written
    Given a team writes customer-360 with <mistake>
    When they open it in an editor that has floe's schema
    Then the editor marks the line <line> and no other: <words>

    Examples:
      | mistake             | line           | words |
      | a tier that is none | tier: platinum | Value is not accepted. Valid values: "bronze", "silver", "gold". |
      | a misspelt field    | teir: gold     | Property teir is not allowed. |

  @FR-014  # reviewed 4bc88f47
  Scenario: Dagster serves each product as a code location of its own
    Given the products customer-360, stock-levels, web-visits are served
    Then each has a code location of its own, with the job and the tables that its files name

  @FR-014  # reviewed 4bc88f47
  Scenario: A product that cannot be loaded is named, and the others stay as they are
    Given the products customer-360, stock-levels, web-visits are served
    When stock-levels is delivered uncompiled
    Then stock-levels cannot be loaded because of compiled_artifacts.json, and every other product is served as before, by the same server

  @FR-014  # reviewed 4bc88f47
  Scenario: A product runs while another cannot be loaded
    Given stock-levels is delivered uncompiled
    When web-visits runs
    Then the run succeeds

  @FR-014  # reviewed 4bc88f47
  Scenario: A product that is mended is loaded anew, and no other
    Given stock-levels is delivered uncompiled
    When stock-levels is delivered compiled
    Then stock-levels is loaded by a new server, and every other product is served as before, by the same server
