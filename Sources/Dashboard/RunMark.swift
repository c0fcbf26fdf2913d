import Records

/// What an answer told of a run, so that the next one may tell only what is new.
struct RunMark {
  struct Series: Equatable {
    var thinnings: Int
    var rows: Int
  }

  private var generation: Int
  private var train: Series
  private var valid: Series
  private var events: Int
  private var samples: Int
  /// Hashes of what is told as a whole or not at all.
  private var parts: [Int]
  private static let counts = 7
  private static let partCount = 5

  /// - Parameter parts: five values.
  init(_ look: MetricsReader.Look, parts: [OrderedJSON]) {
    precondition(parts.count == Self.partCount, "\(parts.count) parts")
    let metrics = look.metrics
    generation = look.generation
    train = Series(thinnings: metrics.train.thinnings, rows: metrics.train.rowCount)
    valid = Series(thinnings: metrics.valid.thinnings, rows: metrics.valid.rowCount)
    events = metrics.events.count
    samples = metrics.samples.count
    self.parts = parts.map(\.line.hashValue)
  }

  /// Parses `text`; nil for anything else.
  init?(_ text: String) {
    let words = text.split(separator: ".", omittingEmptySubsequences: false)
    let numbers = words.compactMap { Int($0) }
    let count = Self.counts + Self.partCount
    guard words.count == count, numbers.count == count,
      numbers.prefix(Self.counts).allSatisfy({ $0 >= 0 })
    else { return nil }
    generation = numbers[0]
    train = Series(thinnings: numbers[1], rows: numbers[2])
    valid = Series(thinnings: numbers[3], rows: numbers[4])
    events = numbers[5]
    samples = numbers[6]
    parts = Array(numbers[Self.counts...])
  }

  var text: String {
    let counts = [
      generation, train.thinnings, train.rows, valid.thinnings, valid.rows, events, samples,
    ]
    return (counts + parts).map(String.init).joined(separator: ".")
  }

  /// How much of an earlier answer is still right, counted from its start.
  struct Kept {
    var train = 0
    var valid = 0
    var events = 0
    var samples = 0
    var hasParts: [Bool]
  }

  func kept(of known: RunMark?) -> Kept {
    guard let known, known.generation == generation else {
      return Kept(hasParts: parts.map { _ in false })
    }
    func rows(_ now: Series, _ known: Series) -> Int {
      now.thinnings == known.thinnings && known.rows <= now.rows ? known.rows : 0
    }
    return Kept(
      train: rows(train, known.train), valid: rows(valid, known.valid),
      events: min(events, known.events), samples: min(samples, known.samples),
      hasParts: zip(parts, known.parts).map { $0 == $1 })
  }
}
