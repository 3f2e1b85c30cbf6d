@US2
Feature: Code locations
  As a data engineer I need my product to stand and fall alone: what I deliver is loaded without
  anybody else's being touched, and a mistake of mine is told as mine.

  @FR-014  # reviewed 4bc88f47
  Scenario: Dagster serves each product as a code location of its own
    Given the products customer-360, stock-levels, web-visits are served
    Then each has a code location of its own, with the job and the tables that its files name

  @FR-014  # reviewed 4bc88f47
  Scenario: A product that cannot be loaded is named, and the others stay as they are
    Given the products customer-360, stock-levels, web-visits are served
    When stock-levels is delivered uncompiled
    Then Dagster cannot load stock-levels, because of "compiled_artifacts.json"
    And every product but stock-levels is served as before, by the same server

  @FR-014  # reviewed 4bc88f47
  Scenario: A product runs while another cannot be loaded
    Given stock-levels is delivered uncompiled
    When web-visits runs
    Then the run succeeds

  @FR-014  # reviewed 4bc88f47
  Scenario: A product that is mended is loaded anew, and no other
    Given stock-levels is delivered uncompiled
    When stock-levels is delivered compiled
    Then stock-levels is loaded, by a new server
    And every product but stock-levels is served as before, by the same server
