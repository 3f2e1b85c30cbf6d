@US4
Feature: Observability and lineage
  As a platform operator who gets a call at night I need to go from a failed run to its cause in a minute:
  run, trace, model, log line and the table above it, and to know that looking at runs never stops one.

  Background:
    Given the platform is up with the customer-360 product

  @FR-040 @GAP-004  # reviewed 7d09a959 0e24e468
  Scenario: Every model, seed and test of a run is a span of its trace
    Given customer-360 has run, and told of it
    Then the trace of the run has one span for each table and test of the dbt graph, all below the run's step

  @FR-040 @GAP-004  # reviewed 7d09a959 0e24e468
  Scenario: Spans lie where they belong and took as long as what they are of
    Given customer-360 has run, and told of it
    Then no span is an orphan, outlasts its parent, or says anything else of a table than Dagster does

  @FR-047  # reviewed d7d5bd5d
  Scenario: The trace of a run is found by the name of whoever had part in it
    Given customer-360 has run, and told of it
    Then the trace of the run was found under customer-360, dagster within 5 s of its end

  @FR-041 @GAP-005  # reviewed 4bdf69b9 1a2c762a
  Scenario: Lineage hears of a run at four points
    Given customer-360 has run, and told of it
    Then lineage heard of every table at each of these points, with what the dbt graph says it is made of
      | point                          |
      | model start START              |
      | model completion COMPLETE      |
      | asset materialization COMPLETE |
      | pipeline start START           |
      | pipeline completion COMPLETE   |

  Scenario Outline: The trace that <what> names is the trace of that very run
    Given customer-360 has run, and told of it
    Then the trace id of <what> opens the trace of that very run

    @FR-042  # reviewed 12fd03d1
    Examples: lineage
      | what                |
      | every lineage event |

    @FR-045  # reviewed d4a34ec0
    Examples: logs
      | what           |
      | every log line |

  @FR-043  # reviewed 299d2ddc
  Scenario: Prometheus has what a run did
    Given customer-360 has run, and told of it
    Then the metrics of customer-360 are what its run did

  @FR-048  # reviewed c9b7884a
  Scenario Outline: The graph that <who> draws is the graph of dbt
    Given customer-360 has run
    Then the graph that <who> draws of customer-360 is the graph of dbt

    Examples:
      | who     |
      | Dagster |
      | Marquez |

  @FR-048  # reviewed c9b7884a
  Scenario: Marquez tells what each column of a mart is computed from
    Given customer-360 has run
    Then Marquez has these columns of mart_customer_360 computed from
      | column               | from                                                                                                                                                                                                        |
      | email                | stg_crm_customers.email                                                                                                                                                                                     |
      | order_count          | int_customer_orders.order_count                                                                                                                                                                             |
      | lifetime_value       | int_customer_orders.settled_amount                                                                                                                                                                          |
      | refund_share         | int_customer_orders.refunded_order_count, int_customer_orders.settled_order_count                                                                                                                           |
      | ticket_count         | int_customer_support.ticket_count                                                                                                                                                                           |
      | average_satisfaction | int_customer_support.rated_ticket_count, int_customer_support.satisfaction_points                                                                                                                           |
      | segment              | int_customer_orders.settled_amount, int_customer_orders.settled_order_count, int_customer_support.rated_ticket_count, int_customer_support.satisfaction_points, int_customer_support.ticket_count |

  Scenario Outline: <who> tells which model failed, why, and where in the trace
    Given customer-360 has run, and stg_transactions failed
    Then <who> tells that stg_transactions failed at its span, because of "Overflow in multiplication of DECIMAL(18)"

    @FR-040  # reviewed 7d09a959
    Examples: traces
      | who    |
      | Jaeger |

    @FR-041  # reviewed 4bdf69b9
    Examples: lineage
      | who     |
      | Marquez |

    @FR-045  # reviewed d4a34ec0
    Examples: logs
      | who     |
      | the log |

  @FR-043  # reviewed 299d2ddc
  Scenario: A failed run moves the error rate, and nothing else does
    Given customer-360 has run, and stg_transactions failed
    Then the metrics of customer-360 are what its run did
    And since the run before it only failure runs have become more, by 1

  @FR-044  # reviewed 3a490975
  Scenario Outline: Every panel of the dashboard <dashboard> shows what has just happened
    Given customer-360 has run, and stg_transactions failed
    Then every panel of the dashboard <dashboard> has data, and shows what was told of the run

    Examples:
      | dashboard                  |
      | floe-pipelines             |
      | floe-data-quality          |
      | floe-lineage-and-freshness |

  # After the dashboards: what the collector kept is gone with it. And not among the last two: beside them the next
  # story's platform is set up, and this one compares times. Of two runs at two moments one may take half as long again;
  # a wait shows, and what telemetry costs is measured by the benchmark, two at the same moment.
  @FR-046 @EDGE-06  # reviewed a782e3a0 a399cec1
  Scenario: A run that nobody hears succeeds, takes no longer, and says once what was lost
    Given customer-360 has run, and told of it
    When customer-360 runs while nobody takes its telemetry
    Then the run succeeds
    And it took at most 100 % longer than when it was heard, and told once that it lost metrics, spans, lineage events

  @FR-049  # reviewed 47c9c323
  Scenario Outline: Lineage is kept in the <choice> database that the manifest chooses
    Given a manifest that chooses a <choice> database for lineage
    When an event is sent to Marquez
    Then Marquez gives back what was sent
    And the <server> server gives back what was sent

    Examples:
      | choice    | server             |
      | shared    | postgresql         |
      | dedicated | marquez-postgresql |
