/// Targets as boxes in rows, each below all that it imports, and their imports as arrows; those
/// that another import brings along are left out. Rows are ordered by barycentres, as in the
/// method of Sugiyama, Tagawa and Toda (1981).
struct TargetDiagram {
  /// A box, or the place where a long arrow crosses a row.
  private struct Place: Hashable {
    var name: String
    var row: Int
    var isBox: Bool
  }

  private let computing: Set<String>
  private var rows: [[Place]] = []
  /// Arrows from one row to the row above it.
  private var steps: [Place: [Place]] = [:]
  /// Every arrow as the places it passes.
  private var arrows: [[Place]] = []

  private static let box = (width: 128, height: 30)
  private static let gap = (x: 14, y: 44)

  init(_ manifest: Manifest, computing: Set<String>) {
    self.computing = computing
    let targets = manifest.targets.filter { !$0.isTest }
    let names = Set(targets.map(\.name))
    var depths: [String: Int] = [:]
    func depth(_ name: String) -> Int {
      if let known = depths[name] { return known }
      let own = (manifest[name]?.dependencies ?? []).filter(names.contains)
      let depth = own.map { depth($0) + 1 }.max() ?? 0
      depths[name] = depth
      return depth
    }
    for target in targets.sorted(by: { $0.name < $1.name }) {
      let row = depth(target.name)
      while rows.count <= row { rows.append([]) }
      rows[row].append(Place(name: target.name, row: row, isBox: true))
    }
    for target in targets {
      let own = target.dependencies.filter(names.contains)
      let brought = own.reduce(into: Set<String>()) { $0.formUnion(manifest.closure(of: $1)) }
      for other in own.sorted() where !brought.contains(other) {
        addArrow(from: target.name, depth(target.name), to: other, depth(other))
      }
    }
    for sweep in 0..<24 { order(downwards: sweep.isMultiple(of: 2)) }
  }

  private mutating func addArrow(from: String, _ start: Int, to: String, _ end: Int) {
    var path = [Place(name: from, row: start, isBox: true)]
    for row in stride(from: start - 1, to: end, by: -1) {
      // Arrows to one target share their way.
      let place = Place(name: to, row: row, isBox: false)
      if !rows[row].contains(place) { rows[row].append(place) }
      path.append(place)
    }
    path.append(Place(name: to, row: end, isBox: true))
    for (lower, upper) in zip(path, path.dropFirst()) { steps[lower, default: []].append(upper) }
    arrows.append(path)
  }

  private mutating func order(downwards: Bool) {
    let indices = Array(rows.indices)
    for row in downwards ? indices : indices.reversed() {
      let neighbours = downwards ? row - 1 : row + 1
      guard rows.indices.contains(neighbours) else { continue }
      var centres: [Place: Double] = [:]
      for place in rows[row] {
        let near = rows[neighbours].filter {
          downwards ? steps[place]?.contains($0) == true : steps[$0]?.contains(place) == true
        }
        centres[place] =
          near.isEmpty ? x(place) : near.reduce(0) { $0 + x($1) } / Double(near.count)
      }
      rows[row].sort { (centres[$0] ?? 0, $0.name) < (centres[$1] ?? 0, $1.name) }
    }
  }

  private static func width(_ place: Place) -> Double { place.isBox ? Double(box.width) : 6 }

  private static func width(_ row: [Place]) -> Double {
    row.reduce(0) { $0 + width($1) } + Double(gap.x * max(0, row.count - 1))
  }

  /// The middle of a place, from the middle of the picture.
  private func x(_ place: Place) -> Double {
    let row = rows[place.row]
    var left = -Self.width(row) / 2
    for other in row {
      if other == place { return left + Self.width(place) / 2 }
      left += Self.width(other) + Double(Self.gap.x)
    }
    return 0
  }

  private func y(_ row: Int) -> Int { 20 + row * (Self.box.height + Self.gap.y) }

  private func number(_ value: Double) -> String { "\(Int(value.rounded()))" }

  var svg: String {
    let half = (rows.map(Self.width).max() ?? 0) / 2 + 20
    let height = y(rows.count - 1) + Self.box.height + 20
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"\(number(-half)) 0 "
        + "\(number(2 * half)) \(height)\" font-family=\"sans-serif\" font-size=\"13\">",
      "<title>Targets of gru-dist, the lowest first; an arrow leads to what is imported</title>",
      "<style>path { fill: none; stroke: #868e96 } rect { fill: #fff; stroke: #495057 } "
        + ".computes { fill: #d0ebff } text { fill: #212529; text-anchor: middle }</style>",
      "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" "
        + "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" style=\"fill: #868e96\"/>"
        + "</marker></defs>",
      "<rect x=\"\(number(-half))\" width=\"100%\" height=\"100%\" style=\"stroke: none\"/>",
    ]
    for arrow in arrows { lines.append(line(arrow)) }
    for place in rows.joined() where place.isBox {
      let (left, top) = (x(place) - Double(Self.box.width) / 2, y(place.row))
      let style = computing.contains(place.name) ? " class=\"computes\"" : ""
      lines.append(
        "<rect\(style) x=\"\(number(left))\" y=\"\(top)\" width=\"\(Self.box.width)\" "
          + "height=\"\(Self.box.height)\" rx=\"5\"/>"
          + "<text x=\"\(number(x(place)))\" y=\"\(top + 20)\">\(place.name)</text>")
    }
    return lines.joined(separator: "\n") + "\n</svg>\n"
  }

  private func line(_ arrow: [Place]) -> String {
    var path = ""
    for (lower, upper) in zip(arrow, arrow.dropFirst()) {
      let top = upper.isBox ? y(upper.row) + Self.box.height + 1 : y(upper.row)
      let bottom = y(lower.row)
      let bend = (top + bottom + (lower.isBox ? 0 : Self.box.height)) / 2
      let (from, to) = (number(x(lower)), number(x(upper)))
      if path.isEmpty { path = "M\(from) \(bottom)" }
      let crossing = upper.isBox ? top : y(upper.row) + Self.box.height
      path += "C\(from) \(bend) \(to) \(bend) \(to) \(crossing)"
      if !upper.isBox { path += "V\(top)" }
    }
    return "<path d=\"\(path)\" marker-end=\"url(#tip)\"/>"
  }
}
