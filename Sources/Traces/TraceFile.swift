package import GRUCore
package import Records
import Timeline

/// Writes trace events in the form of Chrome's about:tracing, which Perfetto reads too: a process
/// for each rank, a thread for each lane, a complete event ("X") for each span, times in
/// microseconds.
package struct TraceFile {
  private let file: OutputFile
  /// The time that counts as 0, in nanoseconds of rank 0's clock.
  private let origin: UInt64
  /// What the parts of a backward pass are called, by stage.
  private let stages: [String]
  private var text: [UInt8] = []
  private var hasEvents = false

  /// What every timeline begins with.
  private static let beginning = #"{"displayTimeUnit":"ms","otherData":"#

  /// Whether a new timeline may take the place of a file: of another one, or of an empty file.
  static func mayReplace(_ path: String) throws(InputError) -> Bool {
    let bytes = try InputFile.bytes(of: path, atMost: beginning.utf8.count)
    return bytes.isEmpty || bytes.elementsEqual(beginning.utf8)
  }

  /// - Parameter description: what the file says of itself.
  package init(
    _ file: OutputFile, origin: UInt64, shape: ModelShape, description: OrderedJSON
  ) throws(OutputError) {
    self.file = file
    self.origin = origin
    stages = BackwardStage.stages(of: shape).map { $0.words(shape) }
    append(Self.beginning)
    append(description.line)
    append(",\n\"traceEvents\":[")
    try flush()
  }

  /// Writes what a rank has recorded.
  package mutating func write(
    _ record: RankRecord, rank: Int, clock: ClockAlignment
  ) throws(OutputError) {
    name("process", "rank \(rank) on \(record.host)", rank: rank, place: rank, lane: 0)
    for (place, lane) in record.lanes.enumerated() where !lane.spans.isEmpty {
      name("thread", lane.name, rank: rank, place: place, lane: place)
      try write(lane.spans, rank: rank, lane: place, clock)
    }
    try flush()
  }

  /// Ends the file.
  package mutating func end() throws(OutputError) {
    append("\n]}\n")
    try flush()
  }

  private mutating func name(_ subject: String, _ name: String, rank: Int, place: Int, lane: Int) {
    for (event, value) in [
      ("name", ["name": .string(name)] as OrderedJSON),
      ("sort_index", ["sort_index": .integer(place)]),
    ] {
      begin()
      append(#"{"name":"\#(subject)_\#(event)","ph":"M","pid":"#)
      append(rank)
      append(#","tid":"#)
      append(lane)
      append(#","args":"#)
      append(value.line)
      append("}")
    }
  }

  /// Spans around others come first.
  private mutating func write(
    _ spans: [Span], rank: Int, lane: Int, _ clock: ClockAlignment
  ) throws(OutputError) {
    let sorted = spans.sorted {
      ($0.start, $1.end, $1.kind) < ($1.start, $0.end, $0.kind)
    }
    // The forward or backward pass that the spans which follow are parts of.
    var pass: Span?
    for span in sorted {
      guard let kind = SpanKind(rawValue: span.kind) else { continue }
      if let around = pass, span.start >= around.end { pass = nil }
      if kind == .forward || kind == .backward { pass = span }
      begin()
      append(#"{"name":""#)
      append(name(of: span, kind))
      append(#"","cat":""#)
      append(kind.category)
      append(#"","ph":"X","ts":"#)
      let start = clock.rankZeroTime(span.start)
      appendMicroseconds(start > origin ? start - origin : 0)
      append(#","dur":"#)
      appendMicroseconds(clock.rankZeroTime(span.end) - start)
      append(#","pid":"#)
      append(rank)
      append(#","tid":"#)
      append(lane)
      append(#","args":{"step":"#)
      append(Int(span.step))
      if let pass, pass != span {
        append(pass.kind == SpanKind.forward.rawValue ? forward : backward)
      }
      append("}}")
      if text.count > 1 << 16 { try flush() }
    }
  }

  private func name(of span: Span, _ kind: SpanKind) -> String {
    switch kind {
    case .step:
      span.detail > 1
        ? "steps \(Int(span.step) - Int(span.detail) + 1)-\(span.step)" : "step \(span.step)"
    case .forward: "forward, layer \(span.detail)"
    case .backward where stages.indices.contains(Int(span.detail)): stages[Int(span.detail)]
    default: kind.name
    }
  }

  private var forward: String { #","pass":"forward""# }
  private var backward: String { #","pass":"backward""# }

  // MARK: - Text

  private mutating func begin() {
    append(hasEvents ? ",\n" : "\n")
    hasEvents = true
  }

  private mutating func append(_ string: String) { text.append(contentsOf: string.utf8) }

  private mutating func append(_ number: Int) { append(String(number)) }

  /// With three decimals.
  private mutating func appendMicroseconds(_ nanoseconds: UInt64) {
    append(String(nanoseconds / 1000))
    text.append(UInt8(ascii: "."))
    let rest = nanoseconds % 1000
    for unit in [100, 10, 1] as [UInt64] { text.append(48 + UInt8(rest / unit % 10)) }
  }

  private mutating func flush() throws(OutputError) {
    try file.write(text)
    text.removeAll(keepingCapacity: true)
  }
}

extension BackwardStage {
  /// What a timeline calls it.
  fileprivate func words(_ shape: ModelShape) -> String {
    switch self {
    case .output: return "output layer"
    case .embedding: return "backward, layer 0"
    case .weights(let direction, let stage):
      let layer = shape.layer(ofDirection: direction)
      let isFirst =
        stage == 0 && !shape.isReversed(direction) && (layer > 0 || !shape.task.readsTokens)
      return isFirst ? "backward, layer \(layer)" : "weights, layer \(layer)"
    }
  }
}
