@US9
Feature: Tables that evolve
  As a data engineer I need to change what a table holds while others read it: what is new reaches them,
  what they read before stays, and what would break them is refused before it runs.

  @FR-094
  Scenario: Each change that breaks a reader is refused by table, column and change
    Given a team's parcel-tracking with each change that breaks a reader
    When the team compiles it
    Then it is refused, and what is wrong is named
      | file                    | line                                 | field                   | named                                                       |
      | models/mart_parcels.sql | -                                    | mart_parcels.last_depot | the column is dropped                                       |
      | models/mart_parcels.sql | -                                    | mart_parcels.mean       | the column is renamed to mean_litres                        |
      | models/mart_parcels.sql | count(*)::varchar as scans,          | mart_parcels.scans      | the column changes from INTEGER to VARCHAR                  |
      | models/mart_parcels.sql | max(litres)::decimal(8, 3) as largest, | mart_parcels.largest  | the column changes from DECIMAL(8,2) to DECIMAL(8,3)        |
      | models/stg_scans.sql    | litres::decimal(5, 2) as litres,     | stg_scans.litres        | the column is narrowed from DECIMAL(6,2) to DECIMAL(5,2)    |
      | tables.json             | -                                    | mart_depots             | the table is dropped                                        |

  @FR-094
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
