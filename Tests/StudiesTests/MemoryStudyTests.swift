import Foundation
import Records
import Runs
import Studies
import Testing

@Suite struct MemoryStudyTests {
  @Test func rnnGradientsVanishFasterWithLength() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("memory-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let config = folder.appendingPathComponent("config.json")
    let text = """
      {"task": "adding", "data": {"valid_sequences": 32}, "model": {"hidden": 16, "layers": 1},
       "batch": {"sequences": 16, "window": 30, "shards": 4},
       "run": {"directory": "\(folder.path)"},
       "memory": {"lengths": [10, 40], "steps": 3, "tasks": ["adding", "copy"]}}
      """
    try Data(text.utf8).write(to: config)
    var options = TrainOptions(configFile: config.path)
    options.threads = 1
    try MemoryStudy(options: options).run(console: Console(isJSON: false, isCoordinator: false))
    let json = try OrderedJSON(
      parsing: String(contentsOf: folder.appendingPathComponent("memory.json"), encoding: .utf8))
    guard case .array(let outcomes) = json["outcomes"] else { throw CocoaError(.coderReadCorrupt) }
    #expect(outcomes.count == 8)
    for outcome in outcomes {
      guard case .array(let norms) = outcome["norms_before"] else { continue }
      let isCopy = outcome["task"] == "copy"
      #expect(norms.count == (outcome["length"]?.integerValue ?? 0) + (isCopy ? 10 : 0))
      #expect(norms.allSatisfy { ($0.doubleValue ?? -1) > 0 })
    }
    let left = outcomes.filter { $0["task"] == "copy" && $0["cell"] == "rnn" }
      .map { $0["remaining_before"]?.doubleValue ?? .nan }
    #expect(left[1] < left[0] / 10)
    let svg = try String(
      contentsOf: folder.appendingPathComponent("memory.svg"), encoding: .utf8)
    #expect(svg.components(separatedBy: "<polyline").count == 1 + 4 + 16)
    #expect(!svg.contains("nan"))
    #expect(throws: UsageError.self) {
      try MemoryStudy(options: options).run(console: Console(isJSON: false, isCoordinator: false))
    }
  }
}
