import Batches
import Records

/// What is to be predicted of a line of JSON: a label of every step, or numbers.
struct JSONTargets {
  let file: DataFile
  let request: SequenceRequest
  let missing: MissingValues
  /// The line.
  let place: String

  /// Takes {"labels": ["a", "b"]}, a label of each step of the sequence that was ended last.
  func appendLabels(of line: OrderedJSON, to table: inout SequenceTable) throws {
    let member = line["labels"] == nil ? "label" : "labels"
    let steps = table.starts[table.count] - table.starts[table.count - 1]
    guard case .array(let items)? = line[member] else {
      throw file.failure(
        place, "expected a list \"labels\" with a label of each step, found "
          + (line[member]?.kind ?? "none"),
        hint: "one label of the whole sequence is for output.readout \"last\" or \"mean\"")
    }
    guard items.count == steps else {
      throw file.failure(place, "has \(items.count) labels of \(steps) steps")
    }
    var labels = table.stepLabels ?? StepLabels()
    table.stepLabels = nil
    for (step, item) in items.enumerated() {
      let label = JSONLinesReader.label(item) ?? ""
      guard !label.isEmpty || request.ignoredLabel == "" else {
        throw file.failure(
          place, "step \(step + 1) has no label: found \(item.kind)",
          hint: "give it one; data.ignore_label names one that does not count, and is \"\" for "
            + "steps without one")
      }
      labels.append(label, at: "\(place), step \(step + 1)")
    }
    table.stepLabels = labels
  }

  /// Takes {"target": 3}, or several numbers, of the sequence that was ended last or of each step.
  func appendNumbers(of line: OrderedJSON, to table: inout SequenceTable) throws {
    let members = request.targetColumns ?? [line["target"] == nil ? "targets" : "target"]
    let steps = table.starts[table.count] - table.starts[table.count - 1]
    let rows = try members.map { name in
      guard let value = line[name] else {
        throw file.failure(
          place, "has no member \"\(name)\" with what is to be predicted",
          hint: "data.targets names the members; data.missing goes on where some are null")
      }
      if !request.isOfSteps { return [try numbers(value, name)] }
      guard case .array(let items) = value, items.count == steps else {
        let found = if case .array(let items) = value { "\(items.count)" } else { value.kind }
        throw file.failure(
          place, "expected a list \"\(name)\" with numbers of each of \(steps) steps, found "
            + found)
      }
      return try items.map { try numbers($0, name) }
    }
    if table.targets == nil {
      let names = zip(members, rows).flatMap { name, rows in
        rows[0].count == 1 ? [name] : rows[0].indices.map { "\(name) \($0 + 1)" }
      }
      table.targets = TargetTable(names: names, isOfSteps: request.isOfSteps)
    }
    let width = table.targets?.names.count ?? 0
    for step in rows[0].indices {
      let row = rows.flatMap { $0[step] }
      guard row.count == width else {
        throw file.failure(
          place, (request.isOfSteps ? "step \(step + 1) " : "")
            + "has \(row.count) numbers to predict, expected \(width) as before")
      }
      for number in row { table.targets?.numbers.append(number) }
    }
  }

  /// One number, or several.
  private func numbers(_ value: OrderedJSON, _ name: String) throws -> [Double] {
    guard case .array(let items) = value else { return [try number(value, name)] }
    guard !items.isEmpty else { throw file.failure(place, "\"\(name)\" is empty") }
    return try items.map { try number($0, name) }
  }

  private func number(_ value: OrderedJSON, _ name: String) throws -> Double {
    if missing.isMissing(value) {
      if missing.areFilled { return .nan }
      throw file.failure(
        place, "\"\(name)\" has \(value.kind), expected a number", hint: MissingValues.hint)
    }
    guard let number = value.doubleValue else {
      throw file.failure(place, "\"\(name)\" has \(value.kind), expected a number")
    }
    return try file.number(number, "\(place), \"\(name)\"", request.contract)
  }
}
