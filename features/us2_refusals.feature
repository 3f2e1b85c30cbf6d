@US2
Feature: Files that are wrong
  As a data engineer I need to be told at once, in my own words, what is wrong with what I wrote
  and what belongs there, and to have my editor tell me while I write.

  @FR-015  # reviewed c0188cf9
  Scenario Outline: A file that cannot be read as floe.yaml is refused
    Given a team writes customer-360 with <mistake>
    When they compile it
    Then it is refused for this and for nothing else
      | file   | line   | field   | expected   |
      | <file> | <line> | <field> | <expected> |
    And nothing was written, and nothing of the inside was told

    Examples:
      | mistake                         | file      | line                 | field             | expected |
      | no floe.yaml                    | floe.yaml | -                    | -                 | a product's apiVersion, kind, metadata, platform and transforms |
      | a folder called floe.yaml       | floe.yaml | -                    | -                 | a file, a product's apiVersion, kind, metadata, platform and transforms |
      | a floe.yaml that cannot be read | floe.yaml | -                    | -                 | a file that can be read, a product's apiVersion, kind, metadata, platform and transforms |
      | an empty floe.yaml              | floe.yaml | -                    | -                 | a product's apiVersion, kind, metadata, platform and transforms |
      | comments only                   | floe.yaml | -                    | -                 | a product's apiVersion, kind, metadata, platform and transforms |
      | a floe.yaml of 50 MB            | floe.yaml | -                    | -                 | at most 1 MiB |
      | a picture                       | floe.yaml | PNG                  | -                 | text in UTF-8 |
      | a letter in Latin-1             | floe.yaml | how they feel        | -                 | text in UTF-8 |
      | a sentence                      | floe.yaml | -                    | -                 | a product's apiVersion, kind, metadata, platform and transforms, as `field: value` lines |
      | a list                          | floe.yaml | -                    | -                 | a product's apiVersion, kind, metadata, platform and transforms, as `field: value` lines |
      | a tab                           | floe.yaml | tier: gold           | -                 | spaces; YAML takes no tabs there |
      | an open bracket                 | floe.yaml | tags: [mart          | -                 | a ] at its end |
      | an open quote                   | floe.yaml | owner: 'customer     | -                 | a quote at the end of the text |
      | a crooked indentation           | floe.yaml | tier: gold           | -                 | the fields of one entry indented alike, each entry behind a `-` |
      | a field twice                   | floe.yaml | owner: somebody-else | metadata.owner    | every field once |
      | aliases that explode            | floe.yaml | -                    | -                 | at most 20,000 values, since a few lines of aliases can stand for gigabytes |
      | a second document               | floe.yaml | ---                  | -                 | one document: no line `---` but the first |
      | a program in a tag              | floe.yaml | timezone:            | schedule.timezone | a plain text, number, list or group of fields |

  @FR-015  # reviewed c0188cf9
  Scenario Outline: A file that says something wrong is refused, by field
    Given a team writes customer-360 with <mistake>
    When they compile it
    Then it is refused for this and for nothing else
      | file   | line   | field   | expected   |
      | <file> | <line> | <field> | <expected> |
    And nothing was written, and nothing of the inside was told

    Examples:
      | mistake                      | file             | line                        | field                       | expected |
      | no version                   | floe.yaml        | metadata:                   | metadata.version            | three numbers with dots between them, such as 1.0.0 |
      | no transforms                | floe.yaml        | -                           | transforms                  | List of dbt models/transforms (at least one required) |
      | an empty list of transforms  | floe.yaml        | transforms: []              | transforms                  | 1 or more entries |
      | a misspelt field             | floe.yaml        | teir: gold                  | transforms[5].teir          | one of compute, dependsOn, name, qualityChecks, tags, tier |
      | a tier that is none          | floe.yaml        | tier: platinum              | transforms[5].tier          | one of bronze, silver, gold |
      | a text for a list            | floe.yaml        | dependsOn: stg_transactions | transforms[3].dependsOn     | a list of texts |
      | a number for a version       | floe.yaml        | version: 1.0                | metadata.version            | a text |
      | a version of floe to come    | floe.yaml        | floe.dev/v2                 | apiVersion                  | floe.dev/v1 |
      | another kind                 | floe.yaml        | kind: FloeProduct           | kind                        | FloeSpec |
      | a name with a path           | floe.yaml        | name: ../customer-360       | metadata.name               | small letters, digits and hyphens, a letter first, such as customer-analytics |
      | a model with a hyphen        | floe.yaml        | mart-customer-360           | transforms[5].name          | letters, digits and underscores, no digit first, such as stg_customers |
      | a perhaps                    | floe.yaml        | enabled: perhaps            | schedule.enabled            | true or false |
      | a word for a schedule        | floe.yaml        | schedule: daily             | schedule                    | a group of fields |
      | a password                   | floe.yaml        | password:                   | transforms[5].password      | connections and credentials in manifest.yaml alone |
      | an unknown dependency        | floe.yaml        | int_customer_order,         | transforms[5].dependsOn[1]  | the name of a transform, a seed or a source of this product |
      | a circle                     | floe.yaml        | mart_customer_360]          | transforms[3].dependsOn[1]  | models that can be made one after the other |
      | a model that needs itself    | floe.yaml        | [int_customer_orders,       | transforms[3].dependsOn[0]  | models that can be made one after the other |
      | a model twice                | floe.yaml        | # again                     | transforms[5].name          | every name once |
      | a cron that is none          | floe.yaml        | cron:                       | schedule.cron               | minute, hour, day of month, month and day of week, such as 0 6 * * * |
      | a day that never comes       | floe.yaml        | cron:                       | schedule.cron               | minute, hour, day of month, month and day of week, such as 0 6 * * * |
      | a time zone that is none     | floe.yaml        | timezone:                   | schedule.timezone           | a name of the IANA time zones, such as Europe/London |
      | an unknown compute           | floe.yaml        | compute: duckbd             | transforms[5].compute       | one of duckdb, duckdb-iceberg |
      | a way out of the folder      | floe.yaml        | path: ../../orders.csv      | ingestion.sources[0].path   | a name without .. |
      | a name that dbt has          | floe.yaml        | name: dbt                   | metadata.name               | a name that dbt and the catalog can take, such as customer-analytics |
      | a manifest that is not there | floe.yaml        | manifset                    | platform.manifest           | the path of the platform's manifest from here, such as ../manifest.yaml |
      | a manifest far away          | floe.yaml        | oci:                        | platform.manifest           | the path of the platform's manifest from here, such as ../manifest.yaml |
      | a model without its file     | floe.yaml        | - name: mart_customer_360   | transforms[5].name          | the name of a model, as mart_customer_360.sql is in the models folder |
      | a misspelt file              | floe.yaml        | - name: stg_transactions    | transforms[1].name          | the name of a model, as stg_transactions.sql is in the models folder |
      | another profile              | dbt_project.yml  | profile:                    | profile                     | customer_360, the product's name with underscores |
      | an empty manifest            | ../manifest.yaml | -                           | -                           | a platform's apiVersion, kind, metadata and plugins |
      | a manifest without an owner  | ../manifest.yaml | metadata:                   | metadata.owner              | Owner email or team name, such as platform-team@acme.com |
      | a misspelt group             | ../manifest.yaml | loging:                     | observability.loging        | one of lineage, logging, tracing |
      | a field no manifest has      | ../manifest.yaml | observabilty:               | observabilty                | one of apiVersion, approved_plugins, approved_products, approved_sinks, artifacts, defaults, governance, kind, metadata, observability, parent_manifest, plugins, resource_presets, scope |
      | a level that is none         | ../manifest.yaml | level: LOUD                 | observability.logging.level | one of DEBUG, INFO, WARNING, ERROR |

  @FR-015  # reviewed c0188cf9
  Scenario: All mistakes are told at once
    Given a team writes customer-360 with a misspelt field and a cron that is none and a level that is none
    When they compile it
    Then it is refused for this and for nothing else
      | file             | line        | field                       | expected                            |
      | floe.yaml        | teir: gold  | transforms[5].teir          | one of compute, dependsOn, name, qualityChecks, tags, tier |
      | floe.yaml        | cron:       | schedule.cron               | minute, hour, day of month, month and day of week, such as 0 6 * * * |
      | ../manifest.yaml | level: LOUD | observability.logging.level | one of DEBUG, INFO, WARNING, ERROR  |
    And nothing was written, and nothing of the inside was told

  @FR-017  # reviewed dc1f3ec2
  Scenario Outline: The exported schema accepts what the demo says
    Given the schema of <file> that floe exports
    Then an independent validator accepts every <file> of the demo

    Examples:
      | file          |
      | floe.yaml     |
      | manifest.yaml |

  @FR-017  # reviewed dc1f3ec2
  Scenario Outline: The exported schema refuses what has the wrong shape
    Given a team writes customer-360 with <mistake>
    And the schema of <file> that floe exports
    Then an independent validator refuses <field> of their <file>

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

  @FR-017  # reviewed dc1f3ec2
  Scenario: An editor offers what a transform may have
    Given a team writes customer-360 with a transform just begun
    When they ask an editor that has floe's schema what may follow - name: mart_churn
    Then the editor offers every field of floe's TransformSpec but name

  @FR-017  # reviewed dc1f3ec2
  Scenario Outline: An editor marks a mistake while it is written
    Given a team writes customer-360 with <mistake>
    When they open it in an editor that has floe's schema
    Then the editor marks the line <line> and no other: <words>

    Examples:
      | mistake             | line           | words |
      | a tier that is none | tier: platinum | Value is not accepted. Valid values: "bronze", "silver", "gold". |
      | a misspelt field    | teir: gold     | Property teir is not allowed. |
