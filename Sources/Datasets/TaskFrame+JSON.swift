package import Records
import Tasks

extension TaskFrame {
  /// The form in which checkpoints keep it; what is nil is left out.
  package var json: OrderedJSON {
    let base = Self.json(
      columns: columns, classes: classes, targets: targets, means: means, deviations: deviations,
      fills: fills, season: season, naiveErrors: naiveErrors)
    var members: [OrderedJSON.Member] = []
    for (name, words) in names {
      if let words { members.append(Self.member(name, words)) }
    }
    for (name, values) in numbers {
      if let values { members.append(Self.member(name, values)) }
    }
    if let categories { members += categories.members }
    if let predicted { members += predicted.members }
    if form != .rows { members.append(.init("form", .string(form.rawValue))) }
    return base.merging(.object(members))
  }

  /// Lists that not every frame has.
  private var names: [(String, [String]?)] {
    [
      ("masked", masked), ("known", known), ("static", statics), ("calendar", calendar),
      ("series", series),
    ]
  }
  private var numbers: [(String, [Double]?)] {
    [("series_means", seriesMeans), ("series_deviations", seriesDeviations)]
  }

  private static func member(_ name: String, _ words: [String]) -> OrderedJSON.Member {
    .init(name, .array(words.map { .string($0) }))
  }

  private static func member(_ name: String, _ values: [Double]) -> OrderedJSON.Member {
    .init(name, .array(values.map { .number($0) }))
  }

  /// The same of parts that are known.
  package static func json(
    columns: [String], classes: [String]?, targets: [String]?, means: [Double]?,
    deviations: [Double]?, fills: [Double]? = nil, season: Int? = nil,
    naiveErrors: [Double]? = nil
  ) -> OrderedJSON {
    var members: [OrderedJSON.Member] = []
    for (name, words) in [("columns", columns), ("classes", classes), ("targets", targets)] {
      if let words { members.append(member(name, words)) }
    }
    for (name, values) in [("means", means), ("deviations", deviations), ("fills", fills)] {
      if let values { members.append(member(name, values)) }
    }
    if let season { members.append(.init("season", .integer(season))) }
    if let naiveErrors { members.append(member("naive_errors", naiveErrors)) }
    return .object(members)
  }

  /// Reads what `json` says.
  package init(json fields: JSONFields) throws(JSONFieldError) {
    func words(_ name: String) throws(JSONFieldError) -> [String]? {
      fields.value(ifPresent: name) == nil ? nil : try fields.strings(name)
    }
    func values(_ name: String) throws(JSONFieldError) -> [Double]? {
      fields.value(ifPresent: name) == nil ? nil : try fields.numbers(name)
    }
    columns = try fields.strings("columns")
    classes = try words("classes")
    targets = try words("targets")
    means = try values("means")
    deviations = try values("deviations")
    fills = try values("fills")
    season = try fields.integer(ifPresent: "season")
    naiveErrors = try values("naive_errors")
    masked = try words("masked")
    known = try words("known")
    statics = try words("static")
    calendar = try words("calendar")
    series = try words("series")
    seriesMeans = try values("series_means")
    seriesDeviations = try values("series_deviations")
    categories = try Categories(json: fields)
    predicted = try PredictedNumbers(json: fields)
    if case .string(let name)? = fields.value(ifPresent: "form") {
      guard let form = SeriesForm(rawValue: name) else {
        throw JSONFieldError(key: "dataset.form", problem: "is \"\(name)\", which is not known")
      }
      self.form = form
    }
  }
}
