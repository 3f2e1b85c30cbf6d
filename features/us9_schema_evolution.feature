@US9
Feature: Tables that evolve
  As a data engineer I need to change what a table holds while others read it: what is new reaches them,
  what they read before stays, and what would break them is refused before it runs.

  @FR-094 @GAP-010  # reviewed d2547542 7c97b376
  Scenario: Each change that breaks a reader is refused by table, column and change
    Given a team's parcel-tracking with each change that breaks a reader
    When the team compiles it
    Then it is refused, and what is wrong is named
      | file                    | line                                    | field                     | named                                                    |
      | models/mart_parcels.sql | -                                       | mart_parcels.last_depot   | the column is dropped                                    |
      | models/mart_parcels.sql | -                                       | mart_parcels.mean         | the column is renamed to mean_litres                     |
      | models/mart_parcels.sql | count(*)::varchar as scans,             | mart_parcels.scans        | the column changes from INTEGER to VARCHAR               |
      | models/mart_parcels.sql | max(litres)::decimal(10, 3) as largest, | mart_parcels.largest      | the column changes from DECIMAL(8,2) to DECIMAL(10,3)    |
      | models/mart_parcels.sql | max(scanned_at)::date as last_seen_at   | mart_parcels.last_seen_at | the column changes from TIMESTAMP to DATE                |
      | models/stg_scans.sql    | litres::decimal(5, 2) as litres,        | stg_scans.litres          | the column is narrowed from DECIMAL(6,2) to DECIMAL(5,2) |
      | tables.json             | -                                       | mart_depots               | the table is dropped                                     |

  @FR-094 @GAP-010  # reviewed d2547542 7c97b376
  Scenario: A change that no reader notices passes, and is promised from then on
    Given a team's parcel-tracking with each change that no reader notices
    When the team compiles it
    Then it keeps what it promised its readers, and promises this
      | table        | column  | type          |
      | stg_scans    | code    | VARCHAR       |
      | mart_days    | day     | DATE          |
      | mart_parcels | scans   | BIGINT        |
      | mart_parcels | mean    | DOUBLE        |
      | mart_parcels | largest | DECIMAL(10,2) |

  @FR-090 @GAP-010  # reviewed 64474860 7c97b376
  Scenario: A column is added, and nobody who reads the table notices
    Given every version of parcel-tracking has run, one after the other
    Then a query of stg_scans from before weight was there still returns every row of parcel-tracking
    And stg_scans of parcel-tracking holds every row once, null where it was delivered without a column

  @FR-091 @GAP-010  # reviewed 477f014a 7c97b376
  Scenario: What is new is partitioned anew, and what was there stays as it is
    Given every version of parcel-tracking has run, one after the other
    Then the files of stg_scans are partitioned by nothing where they were there before, and else by day(scanned_at)
    And stg_scans of parcel-tracking holds every row once, null where it was delivered without a column

  @FR-092 @GAP-010  # reviewed 359d0734 7c97b376
  Scenario Outline: A table is read as it was
    Given every version of parcel-tracking has run, one after the other
    Then <table> of parcel-tracking, read by <handle>, is what it was after each version

    Examples:
      | table        | handle   |
      | stg_scans    | snapshot |
      | stg_scans    | time     |
      | mart_parcels | snapshot |
      | mart_parcels | time     |

  @FR-093 @GAP-010  # reviewed 793c6ea8 7c97b376
  Scenario: Tables of one name in two products evolve apart
    Given every version of parcel-tracking has run, one after the other
    And every version of parcel-returns has run, one after the other
    Then each product has a stg_scans of its own
      | product         | columns                                                                                                          |
      | parcel-tracking | scan_id int, parcel string, depot string, litres decimal(6, 2), scanned_at timestamp, weight decimal(6, 2) |
      | parcel-returns  | scan_id long, parcel string, reason string, refund decimal(8, 2)                                                 |
    And stg_scans of parcel-tracking holds every row once, null where it was delivered without a column
    And stg_scans of parcel-returns holds every row once, null where it was delivered without a column
