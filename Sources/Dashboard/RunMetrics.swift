import Records

/// The metrics of one run as far as they were read, in bounded memory: columns of numbers of
/// training and validation, and the last events and samples.
struct RunMetrics: Sendable {
  /// The last records of a kind, oldest first.
  struct Recent: Sendable {
    private(set) var records: [OrderedJSON] = []
    /// Records so far, those that are left out too.
    private(set) var count = 0
    private var sizes: [Int] = []
    private let most: Int
    private static let mostBytes = 1 << 19
    private static let largest = 1 << 16

    init(most: Int) { self.most = most }

    /// - Parameter bytes: how long its line is; what is very long is only mentioned.
    mutating func append(_ record: OrderedJSON, bytes: Int) {
      let isLarge = bytes > Self.largest
      records.append(isLarge ? Self.mention(record, bytes: bytes) : record)
      sizes.append(isLarge ? 100 : bytes)
      count += 1
      while records.count > most || sizes.reduce(0, +) > Self.mostBytes {
        records.removeFirst()
        sizes.removeFirst()
      }
    }

    private static func mention(_ record: OrderedJSON, bytes: Int) -> OrderedJSON {
      [
        "kind": record["kind"] ?? .null, "step": record["step"] ?? .null,
        "text": .string("a record of \(bytes) bytes is not shown"),
      ]
    }

    /// Those that have come since there were `count` of them.
    func since(_ count: Int) -> [OrderedJSON] { Array(records.suffix(max(0, self.count - count))) }
  }

  private(set) var train = MetricsSeries()
  private(set) var valid = MetricsSeries()
  /// Events, resumes and checkpoints.
  private(set) var events = Recent(most: 200)
  private(set) var samples = Recent(most: 100)
  /// Lines that hold no record.
  var damagedLines = 0
  private(set) var kinds: Set<String> = []
  private static let mostKinds = 100
  private var scanner = RecordScanner()
  private var clock = TrainingClock()

  mutating func append(_ line: Span<UInt8>) {
    if !take(line) { damagedLines += 1 }
  }

  private mutating func take(_ line: Span<UInt8>) -> Bool {
    switch scanner.scan(line) {
    case .damaged: return false
    case .plain:
      guard let kind = scanner.member("kind", in: line), kind.kind == .string else { return false }
      if line.holds("train", at: kind.value) {
        note("train")
        guard train.append(line, scanner.members) else { return false }
        clock.advance(to: &train)
        return true
      }
      if line.holds("valid", at: kind.value) {
        note("valid")
        guard valid.append(line, scanner.members) else { return false }
        valid.setLast(TrainingClock.column, clock.seconds)
        return true
      }
      guard let record = try? OrderedJSON(parsing: line.text(0..<line.count)) else { return false }
      return take(record, bytes: line.count)
    case .object(let members): return take(.object(members), bytes: line.count)
    }
  }

  private mutating func take(_ record: OrderedJSON, bytes: Int) -> Bool {
    guard case .object(let members) = record, let kind = record["kind"]?.stringValue else {
      return false
    }
    note(kind)
    switch kind {
    case "train":
      guard train.append(members) else { return false }
      clock.advance(to: &train)
    case "valid":
      guard valid.append(members) else { return false }
      valid.setLast(TrainingClock.column, clock.seconds)
    case "sample": samples.append(record, bytes: bytes)
    default: events.append(record, bytes: bytes)
    }
    return true
  }

  private mutating func note(_ kind: String) {
    if kinds.count < Self.mostKinds { kinds.insert(kind) }
  }
}

/// Adds up how long training has taken, which cannot be told from some of the records only.
private struct TrainingClock: Sendable {
  private static let names = ["step", "step_seconds", "tokens", "tokens_per_second"].map {
    Array($0.utf8)
  }
  static let column = Array("training_seconds".utf8)

  private(set) var seconds = 0.0
  private var step = 0.0
  private var tokens = 0.0

  /// Adds the steps since the record before.
  mutating func advance(to series: inout MetricsSeries) {
    let values = Self.names.map { series.last($0) }
    let steps = (values[0] ?? step) - step
    let tokens = (values[2] ?? tokens) - tokens
    if let stepSeconds = values[1], stepSeconds > 0, steps > 0 {
      seconds += steps * stepSeconds
    } else if let speed = values[3], speed > 0, tokens > 0 {
      seconds += tokens / speed
    }
    step += steps
    self.tokens += tokens
    series.setLast(Self.column, seconds)
  }
}
