import Cells
import Configuration
import Datasets
import Engine
import GRUCore
import Kernels
import Records
import Testing

/// What a config's names stand for in the targets that compute.
@Suite struct ConfigShapeTests {
  private func config(_ assignments: String...) throws -> Config {
    try Config(
      json: Array(#"{"data": {"train": "t.txt"}}"#.utf8), file: "c.json",
      overrides: assignments.map { ConfigOverride(set: $0) })
  }

  @Test func cellAndResetChooseTheShape() throws {
    let cells: [(String, String, Cell)] = [
      ("gru", "before", .gruResetBefore), ("gru", "after", .gruResetAfter),
      ("rnn", "before", .rnn), ("lstm", "before", .lstm),
      ("mingru", "before", .minGRU),
    ]
    for (cell, reset, expected) in cells {
      let config = try config("model.cell=\(cell)", "model.reset=\(reset)")
      #expect(config.model.shape(vocabularySize: 5).cell == expected)
    }
    #expect(try config().model.shape(vocabularySize: 256).cell == .gruResetBefore)
  }

  @Test func everyNameOfACellHasACell() {
    var found: Set<Cell> = []
    for cell in ModelConfig.CellName.allCases {
      for reset in ModelConfig.Reset.allCases {
        guard let known = Cell(cell: cell.rawValue, reset: reset.rawValue) else {
          Issue.record("no cell \(cell.rawValue) of the form \(reset.rawValue)")
          continue
        }
        found.insert(known)
      }
    }
    #expect(found == Set(Cell.allCases))
  }

  @Test func namesKnowWhetherTheirCellsHaveRecurrentWeights() throws {
    for name in ModelConfig.CellName.allCases {
      for reset in ModelConfig.Reset.allCases {
        let cell = try #require(Cell(cell: name.rawValue, reset: reset.rawValue))
        #expect(name.hasRecurrentWeights == cell.hasRecurrentWeights, "\(name), \(reset)")
      }
    }
  }

  @Test func namesAreThoseOfTheTargetsThatCompute() {
    for precision in ModelConfig.Precision.allCases {
      #expect(precision.kernels.rawValue == precision.rawValue)
    }
  }

  @Test func unusableConfigExitsAsBadUsage() {
    let error = #expect(throws: ConfigError.self) {
      try config().validate(ranks: 9, place: "c.json")
    }
    #expect(error.map { ExitStatus.of($0) } == 2)
  }
}
