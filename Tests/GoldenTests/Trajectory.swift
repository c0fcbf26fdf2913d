import Foundation

/// The numbers and fingerprint of one step, validation or evaluation.
///
/// Times, and what an exchange sends, are left out: they may change. So is perplexity, which is
/// the loss in the C library's exponential function.
struct GoldenRecord: Codable, Equatable, Sendable {
  enum Value: Codable, Equatable, Sendable {
    case number(Double)
    case text(String)
    /// What a fixture never holds.
    case other

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else if let text = try? container.decode(String.self) {
        self = .text(text)
      } else {
        self = .other
      }
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .number(let number): try container.encode(number)
      case .text(let text): try container.encode(text)
      case .other: try container.encodeNil()
      }
    }

    var json: String {
      switch self {
      case .number(let number):
        number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
      case .text(let text): "\"\(text)\""
      case .other: "null"
      }
    }
  }

  private(set) var values: [String: Value]

  private static let trainingKeys = [
    "kind", "step", "epoch", "tokens", "loss", "learning_rate", "gradient_norm", "skipped_steps",
    "fingerprint",
  ]

  init(from decoder: any Decoder) throws {
    values = try decoder.singleValueContainer().decode([String: Value].self)
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(values)
  }

  /// What is recorded of a line that the program wrote.
  init?(line: some StringProtocol) throws {
    self = try JSONDecoder().decode(Self.self, from: Data(line.utf8))
    switch values["kind"] {
    case .text("train"): values = values.filter { Self.trainingKeys.contains($0.key) }
    case .text("valid"): values = values.filter { !["perplexity", "time"].contains($0.key) }
    case .text("checkpoint"):
      values = values.filter { ["kind", "step", "fingerprint"].contains($0.key) }
    // The names of checkpoint and text are of the test's own making.
    case .text("evaluation"):
      values = values.filter { !["checkpoint", "text", "perplexity"].contains($0.key) }
    default: return nil
    }
    values = values.filter { $0.value != .other }
  }

  /// The record but for one of its values.
  func without(_ key: String) -> GoldenRecord {
    var record = self
    record.values[key] = nil
    return record
  }

  var step: Int {
    if case .number(let step) = values["step"] { Int(step) } else { -1 }
  }

  var isCheckpoint: Bool { values["kind"] == .text("checkpoint") }

  private var kind: String { values["kind"]?.json ?? "?" }

  /// Compact JSON with a fixed order of keys.
  var json: String {
    let order = Self.trainingKeys
    let keys = values.keys.sorted {
      (order.firstIndex(of: $0) ?? order.count, $0) < (order.firstIndex(of: $1) ?? order.count, $1)
    }
    return "{" + keys.map { "\"\($0)\": \(values[$0]?.json ?? "null")" }.joined(separator: ", ")
      + "}"
  }

  /// What differs, in words; nil if nothing does. Another program may say more than was recorded.
  func difference(to found: GoldenRecord) -> String? {
    let differing = values.keys.sorted().filter { found.values[$0] != values[$0] }
    guard !differing.isEmpty else { return nil }
    return "step \(step), \(kind): "
      + differing.map { key in
        "\(key): expected \(values[key]?.json ?? "nothing"), "
          + "found \(found.values[key]?.json ?? "nothing")"
      }.joined(separator: "; ")
  }
}

/// Every step and validation of a run, in the order of steps, and its last checkpoint.
struct Trajectory: Equatable, Sendable {
  var records: [GoldenRecord]

  init(records: [GoldenRecord]) { self.records = records }

  /// Reads the metrics of a run directory.
  ///
  /// Checkpoints are written beside training, so that the place of their lines means nothing, and
  /// a run that was stopped has more of them.
  init(run: URL) throws {
    let text = try String(contentsOf: run.appendingPathComponent("metrics.jsonl"), encoding: .utf8)
    let all = try text.split(separator: "\n").compactMap { try GoldenRecord(line: $0) }
    records = all.filter { !$0.isCheckpoint } + all.filter(\.isCheckpoint).suffix(1)
  }

  /// What comes after a step.
  func after(step: Int) -> Trajectory { Trajectory(records: records.filter { $0.step > step }) }

  /// The first place at which another trajectory differs, in words; nil if there is none.
  func difference(to found: Trajectory) -> String? {
    for (index, expected) in records.enumerated() {
      guard index < found.records.count else {
        return "step \(expected.step): expected \(expected.json), found the end of the run"
      }
      if let difference = expected.difference(to: found.records[index]) { return difference }
    }
    guard found.records.count > records.count else { return nil }
    return "expected the end of the run, found \(found.records[records.count].json)"
  }
}

/// What a version of the numeric contract computes, as its first programs recorded it.
///
/// Values that are here stay for ever: `record` adds those of new configs, and changes none.
struct GoldenValues: Codable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case contractVersion = "contract_version"
    case trajectories, evaluations
  }

  private(set) var contractVersion: Int
  private(set) var trajectories: [String: [GoldenRecord]] = [:]
  private(set) var evaluations: [String: GoldenRecord] = [:]

  /// The versions that have values.
  static let versions = [1, 2]

  /// Nothing of a version.
  private init(version: Int) { contractVersion = version }

  static func folder(ofVersion version: Int) -> URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Version\(version)")
  }

  private static func file(ofVersion version: Int) -> URL {
    folder(ofVersion: version).appendingPathComponent("trajectories.json")
  }

  /// What was recorded of a version; nothing where there is no file.
  static func recorded(_ version: Int) -> GoldenValues {
    all[version] ?? GoldenValues(version: version)
  }

  private static let all: [Int: GoldenValues] = {
    var values: [Int: GoldenValues] = [:]
    for version in versions {
      let file = file(ofVersion: version)
      guard let data = try? Data(contentsOf: file) else { continue }
      do {
        values[version] = try JSONDecoder().decode(GoldenValues.self, from: data)
      } catch {
        fatalError("\(file.path): \(error)")
      }
    }
    return values
  }()

  /// Adds the values of a config that has none yet.
  mutating func add(_ trajectory: Trajectory, of name: String) {
    precondition(trajectories[name] == nil, "values of \(name) are recorded, and stay")
    trajectories[name] = trajectory.records
  }

  mutating func add(evaluation: GoldenRecord, of name: String) {
    precondition(evaluations[name] == nil, "the evaluation of \(name) is recorded, and stays")
    evaluations[name] = evaluation
  }

  /// Writes the file, a record on each line.
  func write() throws {
    let runs = trajectories.sorted { $0.key < $1.key }.map { name, records in
      "\"\(name)\": [\n\(records.map(\.json).joined(separator: ",\n"))\n]"
    }
    let losses = evaluations.sorted { $0.key < $1.key }.map { "\"\($0)\": \($1.json)" }
    let text = """
      {
      "contract_version": \(contractVersion),
      "trajectories": {
      \(runs.joined(separator: ",\n"))
      },
      "evaluations": {
      \(losses.joined(separator: ",\n"))
      }
      }

      """
    try Data(text.utf8).write(to: Self.file(ofVersion: contractVersion), options: .atomic)
  }
}
