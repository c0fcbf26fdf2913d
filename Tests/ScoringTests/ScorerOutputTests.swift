import Cells
import Collectives
import Corpora
import Datasets
import Engine
import Foundation
import GRUCore
import Kernels
import Scoring
import Tasks
import Testing

@Suite struct ScorerOutputTests {
  /// Rising or falling sequences of 2 to 12 steps, several of them in a row of a batch.
  private func data(_ folder: URL) throws -> SequenceData {
    let lines = (0..<50).map { index in
      let isRising = index % 3 == 0
      let values = (0..<2 + index * 31 % 11).map { "\(isRising ? $0 : -$0)" }
        .joined(separator: ", ")
      return #"{"values": [\#(values)], "label": "\#(isRising ? "up" : "down")"}"#
    }
    let file = folder.appendingPathComponent("data.jsonl")
    try Data(lines.joined(separator: "\n").utf8).write(to: file)
    var request = SequenceRequest(
      task: TaskName.classification.description, rows: 4, window: 12, seed: 1)
    request.train = file.path
    return try SequenceData(request)
  }

  /// What the decoder says of each sequence is right as often as the accuracy of the score says.
  @Test func outputsEqualThoseTheScoreCounts() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("outputs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let data = try data(folder)
    let task = TaskName.classification.description
    var shape = ModelShape(
      cell: .gruResetBefore, vocabularySize: data.outputs,
      embeddingSize: try #require(data.features), hiddenSize: 8, layerCount: 1)
    shape.task = task.shape()
    let replica = try Replica(
      shape: shape, kernels: Kernels(.portable), window: 12,
      plan: ShardPlan(sequences: 4, shards: 2, ranks: 1, threads: 2), rank: 0, slots: data.slots)
    replica.initialize(seed: 3)
    let frame = try #require(data.frame)
    let classes = try #require(frame.classes)
    let scorer = Scorer(
      task: task,
      decoder: try OutputDecoder(
        task: task, tokenizer: .byte, frame: frame, outputs: data.outputs, path: "test"),
      replica: replica, communicator: SoloCommunicator())
    let score = try scorer.score(on: .sequences(data.training))
    #expect(score.targets == 50)
    var right = 0
    var places: Set<String> = []
    try scorer.forEachOutput(of: .sequences(data.training)) { place, output in
      guard case .category(let name, let probability) = output else {
        Issue.record("\(output)")
        return
      }
      #expect(probability >= 0.5)
      places.insert("\(place)")
      let worker = try #require(replica.workers.first { $0.sequences.contains(place.row) })
      let column = place.row - worker.sequences.lowerBound
      let target = worker.targets[place.index * worker.sequences.count + column]
      right += classes[Int(target)] == name ? 1 : 0
    }
    #expect(places.count == 50)
    #expect(Double(right) / 50 == score.value(of: task.metrics[0]))
  }
}
