import Batches
import Records
import Tasks

/// The array beside another one that holds labels or numbers to predict: [N] or [N, K] of its
/// sequences, [N, T] or [N, T, K] of their steps.
struct NumPyTargets {
  private let file: DataFile
  private let request: SequenceRequest
  private let missing: MissingValues
  private let inputs: String

  /// Opens `x.labels.npy` or `x.targets.npy` beside `x.npy`, or `y_train.npy` beside `X_train.npy`.
  init(of inputs: DataFile, _ request: SequenceRequest, _ missing: MissingValues) throws {
    let names = Self.names(of: inputs.path, isClasses: request.task.outputs == .classes)
    let there = names.filter { FileStatus($0) != nil }
    guard let name = there.first else {
      throw inputs.failure(
        nil, "an array of NumPy has no labels in it, and there is none beside it",
        hint: "save them as " + names.map { "'\($0)'" }.joined(separator: " or "))
    }
    if there.count > 1 {
      throw inputs.failure(
        nil, "its labels may be '\(there[0])' or '\(there[1])', expected one of them",
        hint: "rename the other")
    }
    file = try DataFile(path: name, progress: request.progress)
    try file.requireFormat(.npy)
    self.inputs = inputs.path
    self.request = request
    self.missing = missing
  }

  /// Where labels may be.
  static func names(of path: String, isClasses: Bool) -> [String] {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let folder = parts.dropLast().map { $0 + "/" }.joined()
    let name = String(parts.last ?? "")
    let ending = [".npy", ".npy.gz"].first { name.lowercased().hasSuffix($0) } ?? ""
    let stem = name.dropLast(ending.count)
    var names = ["\(stem).\(isClasses ? "labels" : "targets").npy"]
    if let first = stem.first, first == "X" || first == "x" {
      names.append("y\(stem.dropFirst()).npy")
    }
    return names.map { folder + $0 }
  }

  func append(to table: inout SequenceTable, steps: Int) throws {
    let (shape, isWhole, numbers) = try NumPyReader(file: file, request: request, missing: missing)
      .array()
    table.remarks.append("labels are those of '\(file.path)', \(shape)")
    table.otherFingerprint = file.fingerprint
    let head = request.isOfSteps ? [table.count, steps] : [table.count]
    let isVector = shape.count == head.count + 1
    let width = isVector ? shape[head.count] : 1
    guard Array(shape.prefix(head.count)) == head, isVector || shape.count == head.count,
      request.predictsOthers || width == 1
    else {
      let expected = request.isOfSteps ? "[sequences, steps]" : "[sequences]"
      throw file.failure(
        nil, "has the dimensions \(shape), expected \(expected), which is \(head)"
          + (request.predictsOthers ? ", or one more for several numbers" : ""),
        hint: request.isOfSteps
          ? "a label of each sequence is for output.readout \"last\" or \"mean\""
          : "a label of each step is for output.readout \"every\"")
    }
    func place(_ index: Int) -> String {
      let row = index / width
      return request.isOfSteps
        ? "sequence \(row / steps + 1), step \(row % steps + 1)" : "sequence \(row + 1)"
    }
    if request.predictsOthers {
      let names = width == 1 ? ["target"] : (1...width).map { "target \($0)" }
      var targets = TargetTable(names: names, isOfSteps: request.isOfSteps)
      for (index, number) in numbers.enumerated() {
        let isGap = missing.areFilled && (number.isNaN || missing.contains(number))
        targets.numbers.append(
          isGap ? .nan : try file.number(number, place(index), request.contract))
      }
      table.targets = targets
      return
    }
    var labels = StepLabels()
    for (index, number) in numbers.enumerated() {
      guard number.isFinite else { throw file.failure(place(index), "has no label: \(number)") }
      let whole = Int(exactly: number)
      let label = isWhole || whole != nil ? "\(whole ?? 0)" : "\(number)"
      if request.isOfSteps {
        labels.append(label, at: place(index))
      } else {
        table.labels.append(label)
      }
    }
    if request.isOfSteps { table.stepLabels = labels }
  }
}
