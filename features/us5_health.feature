@US5
Feature: Plugins at work
  As a platform operator I need a plugin to do what the manifest names it for, and to be told which
  service behind which plugin does not serve, and why, by a check that asks it.

  @FR-052 @GAP-008  # reviewed b733969c 92d1206f
  Scenario: Another compute does the work once a line of the manifest names it
    Given web-visits has run, and its files are compressed by ZSTD
    When one line of the manifest names duckdb-iceberg-portable, and web-visits is compiled and run anew
    Then the run succeeds
    And the files that web-visits wrote are compressed by SNAPPY
    And the tables of web-visits hold the rows they held before

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
    Then the tests that the chart brings come to: Succeeded
