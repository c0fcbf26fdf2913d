import Datasets
import Foundation
import Tasks

/// A folder with a file of sequences.
final class DataFolder {
  let url: URL
  private let name: String

  convenience init(_ name: String, _ content: String) throws {
    try self.init(name, Array(content.utf8))
  }

  init(_ name: String, _ content: [UInt8]) throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("data-\(UUID().uuidString)")
    self.name = name
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    try Data(content).write(to: url.appendingPathComponent(name))
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  var path: String { url.appendingPathComponent(name).path }

  /// What a config without further keys asks for.
  func request(_ task: TaskName) -> SequenceRequest {
    var request = SequenceRequest(task: task.description, rows: 4, window: 8, seed: 1)
    request.train = path
    request.sequenceColumn = task == .forecasting ? nil : "sequence"
    return request
  }

  func sequences(
    _ task: TaskName = .classification, columns: [String]? = nil
  ) throws -> SequenceTable {
    var request = request(task)
    request.columns = columns
    return try DataFile(path: path).sequences(request)
  }

  /// What reading it says is wrong.
  func complaint() -> String {
    do {
      _ = try sequences()
      return "nothing"
    } catch {
      return "\(error)"
    }
  }
}

/// Random numbers that are the same in every run (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }
}
