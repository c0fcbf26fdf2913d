import Records
import Scoring

/// What results look like.
extension ResultWriter {
  /// A line of JSON, or a row of a table.
  ///
  /// - Parameter names: of the cells, which a table needs but once.
  func put(_ names: @autoclosure () -> [String], _ cells: [OrderedJSON]) throws {
    switch format {
    case .csv:
      if !hasHeader { try putHeader(names()) }
      try put(row: cells)
    case .jsonl:
      if !hasHeader { try putHeader(names()) }
      try put(object: .object(zip(names(), cells).map { .init($0, $1) }))
    }
  }

  /// The same with a vector: one of `count` that lie one after another; none where `isThere` is
  /// false.
  func put(
    _ names: [String], _ cells: [OrderedJSON], state vectors: [Float], of item: Int,
    among count: Int, isThere: Bool = true
  ) throws {
    let width = vectors.count / max(1, count)
    let vector = vectors[item * width..<(item + 1) * width].map { number -> OrderedJSON in
      isThere ? .number(Self.shortest(number)) : .null
    }
    switch format {
    case .csv: try put(names + (1...max(1, width)).map { "state_\($0)" }, cells + vector)
    case .jsonl: try put(names + ["state"], cells + [isThere ? .array(vector) : .null])
    }
  }

  /// The likeliest classes as columns, or as members; none where nothing can be said.
  ///
  /// - Parameters:
  ///   - isRanked: whether several were asked for.
  ///   - count: how many there are where there are any.
  ///   - noun: what a class is called.
  func classes(
    _ best: [NamedNumber], isRanked: Bool, count: Int, called noun: String = "class"
  ) -> (names: [String], cells: [OrderedJSON]) {
    if isRanked, format == .jsonl {
      let list = best.map { Self.object($0, called: noun) }
      return ([noun == "class" ? "classes" : "\(noun)s"], [best.isEmpty ? .null : .array(list)])
    }
    var names: [String] = []
    var cells: [OrderedJSON] = []
    for place in 0..<count {
      names += ["\(noun)", "probability"].map { isRanked ? "\($0)_\(place + 1)" : $0 }
      cells +=
        best.isEmpty
        ? [.null, .null]
        : [.string(best[place].name), .number(Self.probability(best[place].number))]
    }
    return (names, cells)
  }

  private static func object(_ one: NamedNumber, called noun: String) -> OrderedJSON {
    .object([
      .init(noun, .string(one.name)), .init("probability", .number(probability(one.number))),
    ])
  }

  /// The members that say of each word of a sequence what `tags` says.
  func tagNames(isRanked: Bool) -> [String] { isRanked ? ["tags"] : ["tags", "probabilities"] }

  func tags(_ best: [[NamedNumber]], isRanked: Bool) -> [OrderedJSON] {
    if isRanked { return [.array(best.map { .array($0.map { Self.object($0, called: "tag") }) })] }
    return [
      .array(best.map { .string($0[0].name) }),
      .array(best.map { .number(Self.probability($0[0].number)) }),
    ]
  }

  /// From 1 on, as far as they are exact.
  static let powersOfTen: [Double] = (0..<22).reduce(into: [1]) { powers, _ in
    powers.append(powers[powers.count - 1] * 10)
  }

  /// A number in the units of the data, to 12 digits: more than single precision tells, also of a
  /// number with a large offset.
  static func rounded(_ number: Double) -> Double {
    guard let digits = decimals(of: number) else { return number }
    let scaled = number * powersOfTen[digits]
    return scaled.magnitude < 0x1p53 ? scaled.rounded() / powersOfTen[digits] : number
  }

  /// The decimals that `rounded` keeps, of 10 from those of 2: 12 or 13 digits; nil where it keeps
  /// all.
  static func decimals(of number: Double) -> Int? {
    guard number != 0, number.isFinite else { return nil }
    let digits = 11 - Int((Double(number.exponent) * 0.301_029_995).rounded(.down))
    return powersOfTen.indices.contains(digits) ? digits : nil
  }

  /// A probability in the digits that single precision has.
  static func probability(_ number: Double) -> Double {
    shortest(Float(number))
  }

  /// The number of double precision that has the shortest digits of one in single precision.
  static func shortest(_ number: Float) -> Double { Double("\(number)") ?? Double(number) }
}
