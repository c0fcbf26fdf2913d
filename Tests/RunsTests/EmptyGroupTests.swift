import Foundation
import Testing

/// The last batch of an epoch may leave a group of shards without a row.
@Suite struct EmptyGroupTests {
  @Test func localUpdatesGoOnWhereAGroupHasNoRow() throws {
    let lines = (0..<9).map { #"{"values": [1, 2, \#($0), 4], "label": \#($0 % 2)}"# }
    let files = try TaskFiles(
      "a.jsonl", lines.joined(separator: "\n"),
      config: """
        {"task": "classification", "data": {"train": "DATA", "valid_fraction": 0},
         "model": {"hidden": 8, "layers": 1},
         "batch": {"sequences": 8, "window": 4, "shards": 4},
         "run": {"steps": 12, "log_every": 2, "validate_every": 0, "checkpoint_every": 0},
         "exchange": {"synchronize_every": 2, "local_groups": 4}}
        """)
    let alone = try files.trajectory(ranks: 1, threads: 1, steps: 4)
    #expect(alone.count == 4)
    #expect(alone.allSatisfy { !$0.contains("nan") })
    #expect(alone[0].split(separator: " ")[2] == "9")
    #expect(try files.trajectory(ranks: 2, threads: 2, steps: 4) == alone)
  }
}
