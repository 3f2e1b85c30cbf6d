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
    Then the run began no model before the tables it reads were complete

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
    Then the lakehouse holds the tables of customer-360 and no other, with the rows that the run reported

  @FR-022 @GAP-007  # reviewed 6310b993 efad9b06
  Scenario: Every file of every table is an object in the warehouse
    Given customer-360 has run
    Then every file of the tables of customer-360 is an object in the warehouse bucket

  @FR-022 @GAP-007  # reviewed 6310b993 efad9b06
  Scenario: Nothing depends on the engine's local files
    Given customer-360 has run
    When the engine loses its local files
    Then the tables of customer-360 have the rows they had before

  @FR-023  # reviewed 194ab882
  Scenario: Seeds arrive with the rows and types of their files
    Given customer-360 has run
    Then each seed table of customer-360 has the row count and column types of its file

  @FR-024  # reviewed 6a14e512
  Scenario: Every dbt test has its result in Dagster
    Given customer-360 has run
    Then Dagster shows each dbt test of customer-360 as passed
    And the run began no test before the tables it reads were complete

  @FR-026  # reviewed 57fabfd8
  Scenario: Expectations that rows meet are shown as passed with their score
    Given customer-360 has run
    Then the expectations of stg_crm_customers come to
      | expectation         | outcome | rows against it | score of the table |
      | email_is_an_address | passed  | 0               | 100                |
      | last_name_is_known  | passed  | 0               | 100                |
    And the expectations of mart_customer_360 come to
      | expectation             | outcome | rows against it | score of the table |
      | refund_share_is_a_share | passed  | 0               | 100                |
      | there_are_customers     | passed  | 0               | 100                |

  @EDGE-03  # reviewed c3fc8f98
  Scenario: A run that finds the object store full says so and leaves every table as it was
    Given customer-360 has run
    When customer-360 runs while the object store is full
    Then the run fails, having said "the bucket warehouse has used up its quota"
    And the tables of customer-360 have the rows and snapshots they had before

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
    Given the products cold-chain, customer-360, parcel-search are served
    And a row in scans whose depot is "Chur"
    Then the new_data sensor of parcel-search begins one run, which succeeds
    Given a row in scans whose depot is "Davos"
    Then the new_data sensor of parcel-search begins 2 runs: SUCCESS, SUCCESS

  @FR-030  # reviewed 71c8c550
  Scenario: A product recurs every ten minutes unless its floe.yaml says otherwise
    Given the products cold-chain, customer-360, parcel-search are served
    Then parcel-search recurs at an interval of 10 min
    When parcel-search is delivered to run every minute
    Then parcel-search recurs at an interval of 1 min

  @EDGE-04  # reviewed 1a90d65e
  Scenario: No row is lost when many write one table at once
    Given cold-chain has run
    When 5 writers commit 50 readings of two hours to stg_readings, beside two runs of cold-chain
    Then every commit was accepted or refused, and of those accepted none is lost

  @FR-031 @GAP-002  # reviewed ef7e00d3 8d8710fc
  Scenario: A reading is kept for an hour
    Given cold-chain has run
    And 5 writers commit 50 readings of two hours to stg_readings, beside two runs of cold-chain
    When the upkeep of cold-chain is done while stg_readings is read
    Then of the readings only those of the last hour are left

  @FR-032 @GAP-003  # reviewed 484198b9 5db0f0c8
  Scenario: A table that is written again and again does not grow without bound
    Given cold-chain has run
    And 5 writers commit 50 readings of two hours to stg_readings, beside two runs of cold-chain
    When the upkeep of cold-chain is done while stg_readings is read
    Then 6 snapshots are left, no object without a use, and no reader noticed

  @FR-026  # reviewed 57fabfd8
  Scenario: An expectation that a row does not meet is shown as failed with its score
    Given customer-360 has run
    And a row in raw_customers whose email is "at home"
    When the models after the seeds of customer-360 run
    Then the run succeeds
    And the expectations of stg_crm_customers come to
      | expectation         | outcome | rows against it | score of the table |
      | email_is_an_address | failed  | 1               | 80                 |
      | last_name_is_known  | passed  | 0               | 80                 |

  @FR-025  # reviewed 1ec9e6fc
  Scenario: A second run merges the keys that are new and those that have changed
    Given customer-360 has run
    And a row in raw_transactions whose loaded_at is "2026-02-01 08:00:00"
    And a row in raw_transactions whose transaction_id × status × loaded_at is "100050 × refunded × 2026-02-01 09:00:00"
    When the models after the seeds of customer-360 run
    Then the run succeeds
    And each silver table of customer-360 holds what the seeds say

  @EDGE-02  # reviewed 26633e2f
  Scenario: A run that waited for the catalog in vain says so and leaves every table as it was
    Given customer-360 has run
    When customer-360 runs while the catalog is away for good
    Then the run fails, having said "did not answer within the 5 s that a run waits for it: nobody answers"
    And the tables of customer-360 have the rows and snapshots they had before

  @FR-027 @FR-028  # reviewed 3883e1dc f669d552
  Scenario: A run of a broken model fails with its cause, and its retry makes only what was missing
    Given customer-360 has run
    And a row in raw_transactions whose quantity × unit_price is "2147483647 × 99999999.99"
    When the models after the seeds of customer-360 run
    Then the run fails, having said "Overflow in multiplication of DECIMAL(18)"
    When its cause is gone and the run is retried
    Then the retry succeeds, makes stg_transactions, int_customer_orders, mart_customer_360 and leaves every other table as it was

  @FR-027 @FR-028 @EDGE-01  # reviewed 3883e1dc f669d552 cf19cca4
  Scenario: A run that loses its worker fails within a minute, leaves no half of a table and can be retried
    Given customer-360 has run
    When customer-360 runs while its worker is lost half way
    Then Marquez as well as Dagster tells that the run failed at its span, because of "status: Terminated with"
    And each gold table of customer-360 holds what the seeds say
    When its cause is gone and the run is retried
    Then the retry succeeds, makes what was missing and leaves every other table as it was

  @FR-024  # reviewed 6a14e512
  Scenario: A row that violates a test fails that test and the run
    Given customer-360 has run
    And a row in raw_transactions whose status is "teleported"
    When the models after the seeds of customer-360 run
    Then the run fails because of the accepted_values test of stg_transactions.status

  @EDGE-02  # reviewed 26633e2f
  Scenario: A run waits for a catalog that is away and goes on once it is back
    Given customer-360 has run
    When customer-360 runs while the catalog is away for a moment
    Then the run succeeds, having said "the catalog answers again after"
    And the run made every table of customer-360

  @FR-030  # reviewed 71c8c550
  Scenario: A short interval brings one run after the other
    Given parcel-search is delivered to run every minute
    Then the schedule of parcel-search begins two runs, which succeed, 60 s apart
