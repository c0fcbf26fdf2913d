import Records
import Tasks

/// What a run's config says of its task, for runs of programs whose heartbeat does not.
struct RunTask {
  private let description: TaskDescription?

  /// - Parameter config: nil where there is none.
  init(_ config: OrderedJSON?) {
    guard let config else {
      description = nil
      return
    }
    // The first programs knew no other task, and did not name it.
    let name = config["task"]?.stringValue ?? TaskName.language.rawValue
    guard let task = TaskName(rawValue: name) else {
      description = nil
      return
    }
    let output = config["output"]
    let readout = output?["readout"]?.stringValue.flatMap { TaskShape.Readout(rawValue: $0) }
    let loss = output?["loss"]?.stringValue.flatMap { TaskShape.Loss(rawValue: $0) }
    description = task.description(
      readout: readout ?? task.readouts[0], loss: loss ?? task.losses[0])
  }

  /// As the heartbeat of a run has it; null where nothing is known.
  var json: OrderedJSON {
    guard let description else { return .null }
    return [
      "name": .string(description.name), "unit": .string(description.unit.rawValue),
      "loss_unit": .string(description.lossUnit),
      "metrics": .array(description.metrics.map { .string($0.name) }),
    ]
  }
}
