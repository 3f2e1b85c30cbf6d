@US5
Feature: Plugins
  As a plugin developer I need to know what floe expects of a plugin, to have mine found and used without
  a change of floe, and to be told by name what does not fit before anything runs.

  @FR-050  # reviewed bc14919d
  Scenario: Every plugin type of the release is shown with its contract and its plugins
    When the plugins of floe are shown
    Then the plugins of floe itself are these:
      | type              | contract               | plugins            |
      | compute           | ComputePlugin          | duckdb             |
      | orchestrator      | OrchestratorPlugin     | dagster            |
      | catalog           | CatalogPlugin          | polaris            |
      | storage           | StoragePlugin          | aws-s3, minio      |
      | telemetry_backend | TelemetryBackendPlugin | jaeger             |
      | lineage_backend   | LineageBackendPlugin   | marquez            |
      | dbt               | DBTPlugin              | core               |
      | semantic_layer    | SemanticLayerPlugin    |                    |
      | ingestion         | IngestionPlugin        | dlt                |
      | secrets           | SecretsPlugin          |                    |
      | identity          | IdentityPlugin         |                    |
      | quality           | QualityPlugin          | great_expectations |
      | rbac              | RBACPlugin             | k8s                |
      | alert_channel     | AlertChannelPlugin     |                    |
      | network_security  | NetworkSecurityPlugin  | k8s                |
      | secret_scanner    | SecretScannerPlugin    |                    |

  @FR-050  # reviewed bc14919d
  Scenario: Beside the release's plugins there are those of the additions only
    When the plugins of floe are shown
    Then the plugins of others than floe itself are these:
      | type         | plugins                                 |
      | compute      | duckdb-iceberg, duckdb-iceberg-portable |
      | orchestrator | dagster-iceberg                         |

  @FR-050  # reviewed bc14919d
  Scenario: What is shown is all that is installed
    When the plugins of floe are shown
    Then they are those that the installed packages declare, and every contract of floe has its type

  @FR-051  # reviewed a83bf436
  Scenario: Every plugin takes a valid configuration and honours its contract
    When every plugin is checked against its contract
    Then all that the contracts demand was compared, and what takes a configuration took one
    And this alone is wrong:
      | plugin               | what                                                                      |
      | network_security k8s | generate_writable_volumes: paths of the contract is called writable_paths |

  @FR-051  # reviewed a83bf436
  Scenario Outline: A plugin that breaks its contract is refused by name: it <is broken>
    Given a floe with a third party's compute plugin that <is broken>
    When acme-duckdb is checked against its contract
    Then this alone is wrong:
      | plugin              | what     |
      | compute acme-duckdb | <reason> |

    Examples:
      | is broken                                         | reason                                                                       |
      | has no validate_connection                        | does not implement validate_connection                                       |
      | gives generate_dbt_profile no configuration       | generate_dbt_profile: has no parameter config                                |
      | asks get_required_dbt_packages for more           | get_required_dbt_packages: needs dialect, which the contract does not have   |
      | calls a parameter by another name                 | get_resource_requirements: workload_size of the contract is called size      |
      | answers get_required_dbt_packages with a text     | get_required_dbt_packages: returns str, list[str] in the contract            |
      | is no compute plugin                              | AcmeDuckDB is no ComputePlugin                                               |

  @FR-053  # reviewed e6c5de0c
  Scenario: A third party's plugin is found as soon as it is installed
    Given a floe with a third party's compute plugin that is complete
    When the plugins of floe are shown
    Then the plugins of acme are these:
      | type    | plugins     |
      | compute | acme-duckdb |

  @FR-053  # reviewed e6c5de0c
  Scenario: One line selects a third party's plugin, and it does the work
    Given a floe with a third party's compute plugin that is complete
    And a manifest in which one line is changed to select acme-duckdb
    When acme compiles its product
    Then dbt computes who_computes for "acme/finance"

  @FR-053  # reviewed e6c5de0c
  Scenario: Without its package a plugin is refused by name
    Given a manifest in which one line is changed to select acme-duckdb
    When acme compiles its product
    Then acme-duckdb is told as the reason, and nothing is made

  @FR-054  # reviewed 5edb2316
  Scenario: A plugin of any type that was made for another major version stops the compilation
    Given a manifest that selects idle plugins made for these versions of the plugin API:
      | type              | made for |
      | compute           | 2.0      |
      | orchestrator      | 2.0      |
      | catalog           | 2.0      |
      | storage           | 2.0      |
      | telemetry_backend | 2.0      |
      | lineage_backend   | 2.0      |
      | dbt               | 2.0      |
      | semantic_layer    | 2.0      |
      | ingestion         | 2.0      |
      | secrets           | 2.0      |
      | identity          | 2.0      |
      | quality           | 2.0      |
    When acme compiles its product
    Then those made for 2.0 are refused, each with its name, its version and the version of floe

  @FR-054  # reviewed 5edb2316
  Scenario Outline: A floe with plugin API <version> takes what was made for its major and no later minor version
    Given a floe with plugin API <version>
    And a manifest that selects idle plugins made for these versions of the plugin API:
      | type              | made for |
      | compute           | 1.0      |
      | orchestrator      | 1.0.7    |
      | catalog           | 1.1      |
      | storage           | 1.2      |
      | telemetry_backend | 1.3      |
      | lineage_backend   | 0.9      |
      | dbt               | 2.0      |
      | ingestion         | two      |
    When acme compiles its product
    Then those made for <not taken> are refused, each with its name, its version and the version of floe

    Examples:
      | version | not taken                    |
      | 1.0     | 1.1, 1.2, 1.3, 0.9, 2.0, two |
      | 1.2     | 1.3, 0.9, 2.0, two           |

  @FR-056  # reviewed c82d2790
  Scenario: No plugin breaks that was written against the recorded contracts
    Then what breaks a plugin is: nothing

  @FR-056  # reviewed c82d2790
  Scenario Outline: A contract that changes is noticed: <change>
    Given a floe in whose contracts <change>
    Then what breaks a plugin is: <what breaks>

    Examples:
      | change                                          | what breaks |
      | a method is removed                             | ComputePlugin.validate_connection is gone |
      | an optional method is removed                   | PluginMetadata.startup is gone |
      | a contract is removed                           | RBACPlugin is gone |
      | a parameter is added                            | LineageBackendPlugin.get_helm_values was abstract () -> dict[str, Any] and is abstract (size: str) -> dict[str, Any] |
      | a parameter gets another name                   | NetworkSecurityPlugin.generate_writable_volumes was abstract (paths: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] and is abstract (writable_paths: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] |
      | a parameter gets another type                   | SecretsPlugin.get_secret was abstract (key: str) -> str \| None and is abstract (key: bytes) -> str \| None |
      | a default is changed                            | SecretsPlugin.list_secrets was abstract (prefix: str = '') -> list[str] and is abstract (prefix: str = 'floe') -> list[str] |
      | an answer gets another type                     | ComputePlugin.get_required_dbt_packages was abstract () -> list[str] and is abstract () -> str |
      | a property becomes a method                     | ComputePlugin.is_self_hosted was abstract property -> bool and is abstract () -> bool |
      | a method becomes async                          | TelemetryBackendPlugin.validate_connection was abstract () -> bool and is abstract async () -> bool |
      | an optional method must be written              | ComputePlugin.get_dbt_macro_paths was () -> list[Path] and is abstract () -> list[Path] |
      | an abstract method is added                     | ComputePlugin.stop is new and every plugin must have it |
      | an optional method is added                     | nothing |
      | a method need not be written any more           | nothing |
      | the plugin API becomes one of another major version | the plugin API was 1.0 and is 2.0 |

  @FR-052 @GAP-008  # reviewed b733969c 92d1206f
  Scenario: Another compute does the work once a line of the manifest names it
    Given web-visits has run
    And the files that web-visits wrote are compressed by ZSTD
    When one line of the manifest names duckdb-iceberg-portable, and web-visits is compiled and run anew
    Then the run succeeds
    And the files that web-visits wrote are compressed by SNAPPY
    And the tables of web-visits have the rows they had before

  @FR-055  # reviewed 91f05220
  Scenario Outline: A plugin is unhealthy as long as its service is stopped
    When <service> is stopped
    Then the <plugin> alone is unhealthy, because "nobody answers"
    And once <service> runs again every plugin is healthy

    Examples:
      | plugin       | service           |
      | catalog      | polaris           |
      | storage      | minio             |
      | orchestrator | dagster-webserver |

  @FR-055  # reviewed 91f05220
  Scenario: An installation is verified by the health of its plugins
    Given every plugin that has a service is healthy
    Then the tests that the chart brings come to: Succeeded: orchestrator, catalog, storage healthy
