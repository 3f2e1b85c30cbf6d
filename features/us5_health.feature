@US5
Feature: Plugin health
  As a platform operator I need to be told which service behind which plugin does not serve, and why,
  by a check that asks it.

  @FR-055  # reviewed 91f05220
  Scenario Outline: A plugin is unhealthy as long as its service is stopped
    Given every plugin that has a service is healthy
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
