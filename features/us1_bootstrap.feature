@US1
Feature: Platform bootstrap
  As a platform operator I want one chart to give me a platform that is whole, ready in time and
  mine alone, and to be told by name what keeps it from being so.

  Background:
    Given the platform is installed

  @FR-001  # reviewed 3934f10b
  Scenario: The chart brings exactly the workloads it promises
    Then its workloads are
      | workload                  | kind        | image      | replicas |
      | postgresql                | StatefulSet | postgresql | 1        |
      | minio                     | StatefulSet | minio      | 1        |
      | minio-buckets             | Job         | dagster    | 1        |
      | marquez                   | Deployment  | marquez    | 1        |
      | otel-collector            | Deployment  | jaeger     | 1        |
      | jaeger                    | Deployment  | jaeger     | 1        |
      | prometheus                | StatefulSet | prometheus | 1        |
      | grafana                   | Deployment  | grafana    | 1        |
      | polaris                   | Deployment  | polaris    | 1        |
      | polaris-setup             | Job         | dagster    | 1        |
      | dagster-webserver         | Deployment  | dagster    | 1        |
      | dagster-daemon            | Deployment  | dagster    | 1        |
      | dagster-code-customer-360 | Deployment  | dagster    | 1        |

  @FR-001  # reviewed 3934f10b
  Scenario Outline: Every workload serves
    Then <workload> answers: "<answer>"

    Examples:
      | workload                  | answer                                        |
      | postgresql                | databases dagster of dagster, marquez of marquez, polaris of polaris |
      | marquez                   | lists namespaces                              |
      | otel-collector            | status StatusOK                               |
      | jaeger                    | lists services                                |
      | prometheus                | up 1                                          |
      | minio                     | live, AccessDenied without a key              |
      | polaris                   | asks for a Bearer token, serves lakehouse     |
      | dagster-webserver         | Dagster 1.13.27                               |
      | dagster-daemon            | every daemon healthy                          |
      | dagster-code-customer-360 | loaded                                        |

  @FR-002  # reviewed 226fe9d9
  Scenario: Every pod is Ready in time
    Then every pod was Ready within the time allowed

  @FR-002  # reviewed 226fe9d9
  Scenario Outline: A pod that can never be Ready is named
    When a pod is added whose <part> <fault>
    Then the same check refuses it by name because of "<reason>"

    Examples:
      | part    | fault            | reason                     |
      | image   | does not exist   | ErrImageNeverPull          |
      | secret  | does not exist   | CreateContainerConfigError |
      | request | exceeds the node | Unschedulable              |

  @FR-003  # reviewed 9621ded6
  Scenario Outline: Every documented port answers
    Then <service> on port <port> answers: "<answer>"

    Examples:
      | service       | port | answer                                    |
      | Dagster       | 3000 | Dagster 1.13.27                           |
      | Polaris       | 8181 | asks for a Bearer token, serves lakehouse |
      | MinIO         | 9000 | live, holds staging, warehouse            |
      | MinIO console | 9001 | page MinIO Console, lets in with the keys, refuses with others |
      | Marquez       | 5001 | lists namespaces                          |
      | Jaeger        | 16686 | lists services                           |
      | Prometheus    | 9090 | up 1                                      |

  @FR-004  # reviewed 7fee8de1
  Scenario Outline: Each database holds the tables its owner made
    Then the <owner> database holds the tables its owner made: "<tables>"

    Examples:
      | owner   | tables                                                              |
      | dagster | runs, run_tags, event_logs, asset_keys, daemon_heartbeats, jobs     |
      | polaris | entities, grant_records, principal_authentication_data, version     |
      | marquez | namespaces, jobs, runs, datasets                                    |

  @FR-004  # reviewed 7fee8de1
  Scenario: A run is a row of Dagster's database
    When customer-360 runs
    Then the dagster database records the run
    And the marquez database records the job customer_360

  @FR-004  # reviewed 7fee8de1
  Scenario: The catalog is a row of Polaris' database
    Then the polaris database records the catalog lakehouse

  @FR-005  # reviewed 62caa514
  Scenario Outline: Each bucket keeps an object until it is deleted
    When an object is sent to the <bucket> bucket
    Then the <bucket> bucket gives back what was sent
    And once deleted it is gone

    Examples:
      | bucket    |
      | warehouse |
      | staging   |

  @FR-006  # reviewed dafe352b
  Scenario Outline: What is sent to the collector is forwarded to <reader>
    When a <signal> is sent to the collector
    Then <reader> gives back what was sent

    Examples:
      | signal | reader     |
      | span   | Jaeger     |
      | metric | Prometheus |

  @FR-007  # reviewed 14c6b17e
  Scenario Outline: <what> is of this platform
    Given customer-360 has run
    Then <what> on port <port> answers: "<answer>"

    Examples:
      | what                         | port  | answer                                                   |
      | Jaeger's list of services    | 16686 | customer-360, dagster                                    |
      | Prometheus' page             | 9090  | page Prometheus Time Series Collection and Processing Server |
      | Prometheus' list of targets  | 9090  | up: jaeger, marquez, minio, otel-collector, polaris, prometheus, telemetry |

  @FR-008  # reviewed b751b751
  Scenario: Nothing is left of a platform that was torn down
    When the platform is torn down
    Then nothing of it is left
