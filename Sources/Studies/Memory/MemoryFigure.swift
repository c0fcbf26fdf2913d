import Configuration
import Foundation
import Tasks

/// Gradient norms over steps back, one panel for each task and length: a cell is a colour, solid
/// after training and dashed before.
struct MemoryFigure {
  private typealias Outcome = MemoryStudy.Outcome

  private let outcomes: [MemoryStudy.Outcome]
  private let tasks: [TaskName]
  private let lengths: [Int]
  private let cells: [ModelConfig.CellName]

  private static let panelWidth = 220.0
  private static let panelHeight = 170.0
  private static let left = 64.0
  private static let top = 78.0
  private static let gap = (x: 22.0, y: 58.0)
  /// Powers of ten at the bottom and top of a panel.
  private static let decades = (-14.0, 2.0)

  init(_ outcomes: [MemoryStudy.Outcome]) {
    self.outcomes = outcomes
    tasks = TaskName.allCases.filter { task in outcomes.contains { $0.task == task } }
    lengths = Array(Set(outcomes.map(\.length))).sorted()
    cells = ModelConfig.CellName.allCases.filter { cell in
      outcomes.contains { $0.cell == cell }
    }
  }

  /// The figure, for light and dark pages.
  var svg: String {
    let width = Self.left + Double(lengths.count) * (Self.panelWidth + Self.gap.x) + 10
    let height = Self.top + Double(tasks.count) * (Self.panelHeight + Self.gap.y)
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(text(width))\" "
        + "height=\"\(text(height))\" viewBox=\"0 0 \(text(width)) \(text(height))\" role=\"img\">",
      "<title>Norm of the gradient reaching back through time</title>", Self.style,
      "<rect class=\"page\" width=\"100%\" height=\"100%\"/>",
      label("Norm of the gradient ∂L/∂h, by steps before the answer", Self.left, 22, "title"),
      legend,
    ]
    for (row, task) in tasks.enumerated() {
      for (column, length) in lengths.enumerated() {
        let x = Self.left + Double(column) * (Self.panelWidth + Self.gap.x)
        let y = Self.top + Double(row) * (Self.panelHeight + Self.gap.y)
        parts.append(panel(task, length, x: x, y: y, isFirst: column == 0))
      }
    }
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }

  /// Colours of cells in their order, for light and dark pages.
  private static let colours = [
    ("#0b6bcb", "#5aa9f5"), ("#d9480f", "#ff8a50"), ("#2b8a3e", "#69db7c"),
    ("#862e9c", "#da77f2"),
  ]

  /// The rules of all cells' lines.
  private static func strokes(isDark: Bool) -> String {
    zip(ModelConfig.CellName.allCases, colours).map { cell, colour in
      ".\(cell.rawValue) { stroke: \(isDark ? colour.1 : colour.0); }"
    }.joined(separator: " ")
  }

  private static let style = """
    <style>
    text { font: 12px system-ui, sans-serif; fill: #333; }
    .title { font-size: 15px; font-weight: 600; }
    .page { fill: #fff; } .frame { fill: none; stroke: #999; } .grid { stroke: #e4e4e4; }
    polyline { fill: none; stroke-width: 2; } .before { stroke-dasharray: 4 3; stroke-width: 1.2; }
    \(strokes(isDark: false))
    @media (prefers-color-scheme: dark) {
      text { fill: #ddd; } .page { fill: #16181c; }
      .frame { stroke: #777; } .grid { stroke: #2c3036; }
      \(strokes(isDark: true))
    }
    </style>
    """

  private var legend: String {
    var x = Self.left
    var parts: [String] = []
    for cell in cells {
      for (state, name) in [("after", "after training"), ("before", "before")] {
        parts.append(
          "<polyline class=\"\(cell.rawValue) \(state)\" "
            + "points=\"\(text(x)),40 \(text(x + 26)),40\"/>")
        parts.append(label("\(cell.rawValue.uppercased()) \(name)", x + 32, 44, ""))
        x += 160
      }
    }
    return parts.joined(separator: "\n")
  }

  private func panel(
    _ task: TaskName, _ length: Int, x: Double, y: Double, isFirst: Bool
  ) -> String {
    let shown = outcomes.filter { $0.task == task && $0.length == length }
    let steps = shown.map(\.after.norms.count).max() ?? 1
    var parts: [String] = []
    for decade in stride(from: Self.decades.0, through: Self.decades.1, by: 4) {
      let height = self.height(of: decade, y)
      parts.append(
        "<line class=\"grid\" x1=\"\(text(x))\" x2=\"\(text(x + Self.panelWidth))\" "
          + "y1=\"\(text(height))\" y2=\"\(text(height))\"/>")
      if isFirst {
        let power = String(format: "1e%+.0f", decade)
        parts.append(label(power, x - 8, height + 4, "", anchor: "end"))
      }
    }
    parts.append(
      "<rect class=\"frame\" x=\"\(text(x))\" y=\"\(text(y))\" width=\"\(text(Self.panelWidth))\" "
        + "height=\"\(text(Self.panelHeight))\"/>")
    for outcome in shown {
      for (state, reach) in [("before", outcome.before), ("after", outcome.after)] {
        let points = reach.norms.enumerated().map { back, norm in
          let across = x + Self.panelWidth * Double(back) / Double(max(1, steps - 1))
          return "\(text(across)),\(text(height(of: norm > 0 ? log10(norm) : -300, y)))"
        }
        parts.append(
          "<polyline class=\"\(outcome.cell.rawValue) \(state)\" "
            + "points=\"\(points.joined(separator: " "))\"/>")
      }
    }
    let bottom = y + Self.panelHeight
    parts.append(label("\(task.rawValue), length \(length)", x + 4, y - 6, ""))
    parts.append(label("0", x, bottom + 15, ""))
    parts.append(
      label("\(steps - 1) steps back", x + Self.panelWidth, bottom + 15, "", anchor: "end"))
    return parts.joined(separator: "\n")
  }

  /// The height of a power of ten; what lies beyond the panel is drawn on its edge.
  private func height(of decade: Double, _ y: Double) -> Double {
    let (low, high) = Self.decades
    let part = (min(max(decade, low), high) - low) / (high - low)
    return y + Self.panelHeight * (1 - part)
  }

  private func label(
    _ words: String, _ x: Double, _ y: Double, _ style: String, anchor: String = "start"
  ) -> String {
    "<text class=\"\(style)\" x=\"\(text(x))\" y=\"\(text(y))\" text-anchor=\"\(anchor)\">"
      + "\(words)</text>"
  }

  private func text(_ number: Double) -> String { String(format: "%.1f", number) }
}
