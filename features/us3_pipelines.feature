@US3
Feature: Data pipelines
  As a data engineer I need every row I deliver to arrive, once, where the platform promised,
  and to be told plainly when it does not.

  Background:
    Given the platform is up with the customer-360 product

  @FR-008  # reviewed b751b751
  Scenario: A suite starts from nothing
    Then it held no run, no table and no object when it came up

  @FR-020  # reviewed 754d856b
  Scenario: A run launched through Dagster makes every table
    When customer-360 runs
    Then the run succeeds
    And the run made every table of customer-360

  @FR-020  # reviewed 754d856b
  Scenario: No table is begun before the tables it reads are complete
    Given customer-360 has run
    Then the run respected every edge of the dbt graph

  @FR-021  # reviewed 7a01887f
  Scenario: Bronze is the seeds, row for row
    Given customer-360 has run
    Then each bronze table of customer-360 holds what the seeds say

  @FR-021  # reviewed 7a01887f
  Scenario: Silver is the seeds without what is dirty
    Given customer-360 has run
    Then each silver table of customer-360 holds what the seeds say

  @FR-021  # reviewed 7a01887f
  Scenario: Gold figures are exactly what the seeds say
    Given customer-360 has run
    Then each gold table of customer-360 holds what the seeds say

  @FR-022 @GAP-007  # reviewed 6310b993 efad9b06
  Scenario: Every seed and model is an Iceberg table
    Given customer-360 has run
    Then the lakehouse holds the tables of customer-360 and no other
    And each table has as many rows as the run reported

  @FR-022 @GAP-007  # reviewed 6310b993 efad9b06
  Scenario: Every file of every table is an object in the warehouse
    Given customer-360 has run
    Then every file of the tables of customer-360 is an object in the warehouse bucket

  @FR-022 @GAP-007  # reviewed 6310b993 efad9b06
  Scenario: Nothing depends on the engine's local files
    Given customer-360 has run
    When the engine loses its local files
    Then the tables of customer-360 hold the rows they held before

  @FR-023  # reviewed 194ab882
  Scenario: Seeds arrive with the rows and types of their files
    Given customer-360 has run
    Then each seed table of customer-360 has the row count and column types of its file

  @FR-024  # reviewed 6a14e512
  Scenario: Every dbt test has its result in Dagster
    Given customer-360 has run
    Then Dagster shows each dbt test of customer-360 as passed
    And no test ran before the table it tests was complete

  @FR-029 @GAP-001  # reviewed 85b7c1a1 7391b80f
  Scenario: The first run starts by itself, once every service is healthy
    Given a row in scans whose depot is "Bern"
    And minio is stopped
    And parcel-search is delivered compiled
    Then the first_run sensor of parcel-search begins nothing, because of "storage minio: nobody answers"
    And once minio runs again every plugin is healthy
    And the first_run sensor of parcel-search begins one run, which succeeds

  @FR-033  # reviewed 8fe6985b
  Scenario: New data starts one run
    Given the products customer-360, parcel-search are served
    And a row in scans whose depot is "Chur"
    Then the new_data sensor of parcel-search begins one run, which succeeds

  @FR-030  # reviewed 71c8c550
  Scenario: A product recurs every ten minutes unless its floe.yaml says otherwise
    Given the products customer-360, parcel-search are served
    Then parcel-search recurs at an interval of 10 min
    When parcel-search is delivered to run every minute
    Then parcel-search recurs at an interval of 1 min

  @FR-027 @FR-028  # reviewed 3883e1dc f669d552
  Scenario: A run of a broken model fails with its cause, and its retry makes only what was missing
    Given customer-360 has run
    And a row in raw_transactions whose quantity × unit_price is "2147483647 × 99999999.99"
    When the models after the seeds of customer-360 run
    Then the run fails because of "Overflow in multiplication of DECIMAL(18)"
    When its cause is gone and the run is retried
    Then the retry succeeds, makes stg_transactions, int_customer_orders, mart_customer_360 and leaves every other table as it was

  @FR-027 @FR-028 @EDGE-01  # reviewed 3883e1dc f669d552 cf19cca4
  Scenario: A run that loses its worker fails within a minute, leaves no half of a table and can be retried
    Given customer-360 has run
    When a run of customer-360 loses its worker half way
    Then the run fails because of "Run has not completed"
    And each gold table of customer-360 holds what the seeds say
    When its cause is gone and the run is retried
    Then the retry succeeds, makes what was missing and leaves every other table as it was

  @FR-024  # reviewed 6a14e512
  Scenario: A row that violates a test fails that test and the run
    Given customer-360 has run
    And a row in raw_transactions whose status is "teleported"
    When the models after the seeds of customer-360 run
    Then the run fails because of the accepted_values test of stg_transactions.status

  @FR-030  # reviewed 71c8c550
  Scenario: A short interval brings one run after the other
    Given parcel-search is delivered to run every minute
    Then two scheduled runs of parcel-search succeed, 60 s apart
