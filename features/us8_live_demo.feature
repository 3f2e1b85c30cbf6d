@US8
Feature: Live demo
  As somebody who wants to see what floe does I need products of other trades that I can believe: data with
  the faults of real data, figures that I can recompute, and tests that catch what is wrong.

  @FR-086  # reviewed 6a023120
  Scenario Outline: <product> is deployed and runs alone
    Given <product> is deployed alone
    When <product> runs
    Then the run succeeds
    And the products <product> are served

    Examples:
      | product        |
      | customer-360   |
      | iot-telemetry  |
      | financial-risk |

  @FR-086  # reviewed 6a023120
  Scenario Outline: <product> is added and starts none of the others anew
    When <product> is deployed beside the others
    Then the products <served> are served
    And none of the others was started anew

    Examples:
      | product       | served                                      |
      | customer-360  | customer-360, financial-risk                |
      | iot-telemetry | customer-360, financial-risk, iot-telemetry |

  @FR-086  # reviewed 6a023120
  Scenario: All products run at once
    When the products customer-360, financial-risk, iot-telemetry run at once
    Then each run succeeds

  @FR-042  # reviewed 12fd03d1
  Scenario Outline: What <product> told while all ran at once is of its own run alone
    Given <product> has run, and told of it
    Then the trace id of every lineage event opens the trace of that very run

    Examples:
      | product        |
      | customer-360   |
      | iot-telemetry  |
      | financial-risk |

  Scenario Outline: The figures of <product> are exactly what its seeds say
    Given <product> has run
    Then each gold table of <product> holds what the seeds say

    @FR-080  # reviewed 7e925290
    Examples: a shop
      | product      |
      | customer-360 |

    @FR-081  # reviewed 7b50277c
    Examples: a plant
      | product       |
      | iot-telemetry |

    @FR-082  # reviewed e7ef3da9
    Examples: a bank
      | product        |
      | financial-risk |

  @FR-081  # reviewed 7b50277c
  Scenario: What is wrong with a sensor is found, and what only looks wrong is not
    Given iot-telemetry has run
    Then the planted anomalies of iot-telemetry are found, and no other

  @FR-083  # reviewed 82c629ef
  Scenario Outline: The seeds of <product> at scale <scale> are as many as asked for, and the same bytes wherever they are made
    Then the seeds of <product> at scale <scale> are "<seeds>"

    Examples:
      | product        | scale | seeds                                                               |
      | customer-360   | 0.1   | 24 raw_customers, 18 raw_support_tickets, 90 raw_transactions       |
      | customer-360   | 1     | 240 raw_customers, 180 raw_support_tickets, 900 raw_transactions    |
      | customer-360   | 10    | 2400 raw_customers, 1800 raw_support_tickets, 9000 raw_transactions |
      | iot-telemetry  | 0.1   | 16 raw_maintenance_log, 96 raw_readings, 12 raw_sensors             |
      | iot-telemetry  | 1     | 160 raw_maintenance_log, 960 raw_readings, 120 raw_sensors          |
      | iot-telemetry  | 10    | 1600 raw_maintenance_log, 9600 raw_readings, 1200 raw_sensors       |
      | financial-risk | 0.1   | 12 raw_counterparties, 96 raw_market_data, 40 raw_positions         |
      | financial-risk | 1     | 120 raw_counterparties, 960 raw_market_data, 400 raw_positions      |
      | financial-risk | 10    | 1200 raw_counterparties, 9600 raw_market_data, 4000 raw_positions   |

  @FR-083  # reviewed 82c629ef
  Scenario Outline: A scale of <scale> is refused
    Then the seeds of iot-telemetry at scale <scale> are "refused: <reason>"

    Examples:
      | scale | reason                                      |
      | ten   | FLOE_DEMO_SEED_SCALE='ten' is not a number  |
      | 1,5   | FLOE_DEMO_SEED_SCALE='1,5' is not a number  |
      | 0     | FLOE_DEMO_SEED_SCALE='0' is out of range    |
      | 0.09  | FLOE_DEMO_SEED_SCALE='0.09' is out of range |
      | 1001  | FLOE_DEMO_SEED_SCALE='1001' is out of range |
      | -1    | FLOE_DEMO_SEED_SCALE='-1' is out of range   |
      | nan   | FLOE_DEMO_SEED_SCALE='nan' is out of range  |

  @EDGE-08  # reviewed a892c8aa
  Scenario Outline: A malformed seed file is refused before anything runs
    Given a team writes <product> with <mistake>
    When they compile it
    Then it is refused for this and for nothing else
      | file              | line   | field    | expected   | because |
      | seeds/<table>.csv | <line> | <column> | <expected> | <because> |
    And nothing was written, and nothing of the inside was told

    Examples:
      | product        | mistake                             | table               | line                | column          | expected                                                                                                   | because |
      | customer-360   | customers with a misspelt column    | raw_customers       | contry              | contry          | the columns customer_id, first_name, last_name, email, country, marketing_opt_in, signed_up_at, updated_at | there is no such column |
      | customer-360   | customers without a column          | raw_customers       | last_name           | country         | the columns customer_id, first_name, last_name, email, country, marketing_opt_in, signed_up_at, updated_at | the column is missing |
      | customer-360   | customers with one more column      | raw_customers       | notes               | notes           | the columns customer_id, first_name, last_name, email, country, marketing_opt_in, signed_up_at, updated_at | there is no such column |
      | customer-360   | a customer in Latin-1               | raw_customers       | Andr                | first_name      | text in UTF-8                                                                                              | is not UTF-8 |
      | customer-360   | a transaction of plenty             | raw_transactions    | plenty              | quantity        | a whole number from -2147483648 to 2147483647                                                              | "plenty" is not of type integer |
      | customer-360   | transactions that are cut off       | raw_transactions    | 100032,             | status          | 8 values, one a column                                                                                     | the file is cut off here, after 3 of 8 values |
      | customer-360   | tickets whose last line has no end  | raw_support_tickets | 2025-12-12          | updated_at      | an end of line behind the last value                                                                       | the line has no end, as if the file were cut off here |
      | customer-360   | a ticket with a value too many      | raw_support_tickets | by phone            | -               | 8 values, one a column                                                                                     | 9 values |
      | financial-risk | a price under the number of another | raw_market_data     | 2025-12-01 18:19:47 | quote_id        | every quote_id once                                                                                        | "700001" is already |
      | financial-risk | a counterparty behind an open quote | raw_counterparties  | "Orchard            | name            | a quote at the end of the value                                                                            | a quote is not where a value begins or ends, or is not closed |
      | customer-360   | a transaction of 1.000001           | raw_transactions    | 1.000001            | quantity        | a whole number from -2147483648 to 2147483647                                                              | "1.000001" is not of type integer |
      | financial-risk | a price of a part of a cent         | raw_market_data     | 12.3456789          | close_price     | a number with at most 12 digits and 6 decimals                                                             | "12.3456789" is not of type decimal(18, 6) |
      | financial-risk | a version of a counterparty twice   | raw_counterparties  | Once Again Bank     | counterparty_id | every counterparty_id with updated_at once                                                                 | "4", "2024-01-13 02:19:21" is already |
      | iot-telemetry  | a last reading of plenty            | raw_readings        | plenty              | value           | a number with at most 8 digits and 2 decimals                                                              | "plenty" is not of type decimal(10, 2) |

  @EDGE-08  # reviewed a892c8aa
  Scenario: All mistakes of all seed files are told at once
    Given a team writes customer-360 with customers with a misspelt column and a transaction of plenty and a ticket of a day that never was
    When they compile it
    Then it is refused for this and for nothing else
      | file                          | line       | field     | expected                                                                                                   | because |
      | seeds/raw_customers.csv       | contry     | contry    | the columns customer_id, first_name, last_name, email, country, marketing_opt_in, signed_up_at, updated_at | there is no such column |
      | seeds/raw_transactions.csv    | plenty     | quantity  | a whole number from -2147483648 to 2147483647                                                              | "plenty" is not of type integer |
      | seeds/raw_support_tickets.csv | 2025-02-30 | opened_at | a moment, such as 2025-11-28 17:30:00                                                                      | "2025-02-30 09:00:00" is not of type timestamp |
    And nothing was written, and nothing of the inside was told

  @FR-084  # reviewed 774aa42f
  Scenario Outline: Every layer of <product> holds its data
    Given <product> has run
    Then each bronze table of <product> holds what the seeds say
    And each silver table of <product> holds what the seeds say
    And each gold table of <product> holds what the seeds say

    Examples:
      | product        |
      | customer-360   |
      | iot-telemetry  |
      | financial-risk |

  @FR-085  # reviewed 6f2db44f
  Scenario Outline: Every test of <product> ran and passed
    Given <product> has run
    Then Dagster shows each dbt test of <product> as passed

    Examples:
      | product        |
      | customer-360   |
      | iot-telemetry  |
      | financial-risk |

  @FR-085  # reviewed 6f2db44f
  Scenario Outline: A row that breaks a rule is found in whichever layer of <product> it is
    Given <product> has run
    And a row in <bronze>
    And a row in <silver>
    And a row in <gold>
    Then the tests of <product> find these rows and no other

    Examples:
      | product        | bronze                                           | silver                                          | gold                                                    |
      | customer-360   | raw_transactions whose channel is "fax"          | stg_support_tickets whose category is "weather" | mart_customer_360 whose segment is "platinum"           |
      | iot-telemetry  | raw_maintenance_log whose priority is "whenever" | stg_sensors whose status is "lost"              | mart_equipment_health whose maintenance_alert is "pray" |
      | financial-risk | raw_counterparties whose sector is "cult"        | stg_counterparties whose rating is "ZZZ"        | mart_risk_dashboard whose risk_band is "purple"         |
