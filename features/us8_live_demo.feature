@US8
Feature: Live demo
  As somebody who wants to see what floe does I need products of other trades that I can believe: data with
  the faults of real data, figures that I can recompute, and tests that catch what is wrong.

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

  @FR-081  # reviewed 7b50277c
  Scenario: What is wrong with a sensor is found, and what only looks wrong is not
    Given iot-telemetry has run
    Then the planted anomalies of iot-telemetry are found, and no other

  @FR-083  # reviewed 82c629ef
  Scenario Outline: The seeds of <product> at scale <scale> are as many as asked for, and the same bytes wherever they are made
    Then the seeds of <product> at scale <scale> are "<seeds>"

    Examples:
      | product       | scale | seeds                                                           |
      | customer-360  | 0.1   | 24 raw_customers, 18 raw_support_tickets, 90 raw_transactions   |
      | customer-360  | 1     | 240 raw_customers, 180 raw_support_tickets, 900 raw_transactions |
      | customer-360  | 10    | 2400 raw_customers, 1800 raw_support_tickets, 9000 raw_transactions |
      | iot-telemetry | 0.1   | 16 raw_maintenance_log, 96 raw_readings, 12 raw_sensors         |
      | iot-telemetry | 1     | 160 raw_maintenance_log, 960 raw_readings, 120 raw_sensors      |
      | iot-telemetry | 10    | 1600 raw_maintenance_log, 9600 raw_readings, 1200 raw_sensors   |

  @FR-083  # reviewed 82c629ef
  Scenario Outline: A scale of <scale> is refused
    Then the seeds of iot-telemetry at scale <scale> are "refused: <reason>"

    Examples:
      | scale | reason                                        |
      | ten   | FLOE_DEMO_SEED_SCALE='ten' is not a number    |
      | 1,5   | FLOE_DEMO_SEED_SCALE='1,5' is not a number    |
      | 0     | FLOE_DEMO_SEED_SCALE='0' is out of range      |
      | 0.09  | FLOE_DEMO_SEED_SCALE='0.09' is out of range   |
      | 1001  | FLOE_DEMO_SEED_SCALE='1001' is out of range   |
      | -1    | FLOE_DEMO_SEED_SCALE='-1' is out of range     |
      | nan   | FLOE_DEMO_SEED_SCALE='nan' is out of range    |

  @FR-084  # reviewed 774aa42f
  Scenario Outline: Every layer of <product> holds its data
    Given <product> has run
    Then each bronze table of <product> holds what the seeds say
    And each silver table of <product> holds what the seeds say
    And each gold table of <product> holds what the seeds say

    Examples:
      | product       |
      | customer-360  |
      | iot-telemetry |

  @FR-085  # reviewed 6f2db44f
  Scenario Outline: Every test of <product> ran and passed
    Given <product> has run
    Then Dagster shows each dbt test of <product> as passed

    Examples:
      | product       |
      | customer-360  |
      | iot-telemetry |

  @FR-085  # reviewed 6f2db44f
  Scenario Outline: A row that breaks a rule is found in whichever layer of <product> it is
    Given <product> has run
    And a row in <bronze>
    And a row in <silver>
    And a row in <gold>
    Then the tests of <product> find these rows and no other

    Examples:
      | product       | bronze                                        | silver                                       | gold                                                     |
      | customer-360  | raw_transactions whose channel is "fax"       | stg_support_tickets whose category is "weather" | mart_customer_360 whose segment is "platinum"         |
      | iot-telemetry | raw_maintenance_log whose priority is "whenever" | stg_sensors whose status is "lost"        | mart_equipment_health whose maintenance_alert is "pray" |
