package import Datasets
import GRUCore
package import Tasks

/// What is summed over the outputs of a model for the figures of its task, and what the sums say.
///
/// To add the figures of another task:
/// 1. Give `TaskFigures` a case, name it in the task's description (`TaskName`), and list what
///    models may be ranked by among its metrics as `.figure(.higher)` or `.figure(.lower)`.
/// 2. Write a type that conforms to this protocol, in a file of its own beside `ClassFigures`. It
///    says how many numbers it sums, adds one output to them, and makes `Figures` of the sums:
///    values by the names of the metrics, what naive models reach by the same names, and tables
///    for `evaluate`. Whatever naive models need must be in the sums too, or be known beforehand,
///    as the frame's columns and scales are.
/// 3. Return it from `TaskFigures.kind`.
///
/// Lines at validation, records, `metrics`, TensorBoard, the dashboard, Prometheus and
/// `run.best_by` take values and baselines from there. Each shard sums its own outputs, in the
/// order of time and then of sequences, and the sums of all shards are added by the canonical tree,
/// so that any number of ranks and threads gives the same bits. Nothing of it runs in training.
package protocol FigureKind: Sendable {
  /// Numbers that each shard sums.
  var sumCount: Int { get }

  /// Adds an output that counts to the sums of its shard; by many threads at once, each with sums
  /// of its own. Does not allocate.
  func add(_ output: ScoredOutput, to sums: UnsafeMutablePointer<Double>)

  /// What the sums over all shards say.
  func figures(of sums: [Double]) -> Figures
}

extension TaskFigures {
  /// What is summed for these figures; nil where they need no outputs.
  ///
  /// - Parameters:
  ///   - frame: what the data taught; nil where they are made up.
  ///   - task: what the outputs are.
  ///   - outputs: columns of the output layer.
  package func kind(
    frame: TaskFrame?, task: TaskDescription, outputs: Int
  ) -> (any FigureKind)? {
    func names(_ known: [String]?) -> [String] {
      if let known, known.count == outputs { return known }
      return (1...max(1, outputs)).map { "output \($0)" }
    }
    switch self {
    case .none, .text: return nil
    case .items: return ItemFigures(first: task.shape().rankedFrom ?? 0)
    case .classes:
      let classes = names(frame?.classes)
      let isOfWords = task.readsTokens && task.targets == .everyStep
      let phrases = isOfWords ? PhraseFigures(classes: classes) : nil
      return phrases ?? ClassFigures(classes: classes)
    case .labels: return LabelFigures(columns: names(frame?.columns))
    case .forecasts: return frame.flatMap { ForecastFigures($0, task: task, outputs: outputs) }
    case .values:
      return ValueFigures(frame?.predicted, task: task, columns: names(frame?.predicted?.names))
    }
  }
}

/// An output of a model that counts, with what went in and what was to come out.
package struct ScoredOutput {
  let worker: SequenceWorker
  /// The batch, counted from 0, and what it is of.
  let batch: Int
  let subject: Scorer.Subject
  /// The time step, or which of the sequences laid end to end in the row.
  let step: Int
  /// The row of the batch, among the worker's.
  let column: Int

  /// Where it stands among the worker's outputs.
  private var row: Int { step * worker.sequences.count + column }

  /// The class to predict.
  var target: Int { unsafe Int(worker.targets[row]) }

  /// The rank of the target among all items, from 1.
  var rank: Int { worker.rank(ofRow: row) }

  /// The scores of all columns of the output layer, [V].
  var scores: UnsafeBufferPointer<Float> { unsafe worker.scores(ofRow: row) }

  /// The numbers to predict, [V], of a loss of values.
  var targets: UnsafePointer<Float> {
    unsafe UnsafePointer(worker.targetValues + row * worker.targetStride)
  }

  /// The scale of a number to predict, and of which of the columns to forecast it is; nil where
  /// the outputs are no forecasts.
  func scale(
    ofTarget target: Int
  ) -> (column: Int, mean: Double, deviation: Double, origin: Double)? {
    guard case .sequences(.windows(let windows)) = subject else { return nil }
    return windows.scale(
      batch: batch, row: worker.sequences.lowerBound + column, target: target)
  }

  /// Which of the origins a forecast is made at, from the first of its series on; nil where the
  /// outputs are no forecasts.
  var origin: Int? {
    guard case .sequences(.windows(let windows)) = subject else { return nil }
    return windows.origin(batch: batch, row: worker.sequences.lowerBound + column)
  }

  /// Time steps of a row.
  var window: Int { worker.window }

  /// The values that went in at a time step of the row, [F].
  func input(atStep step: Int) -> UnsafePointer<Float> {
    unsafe UnsafePointer(
      worker.inputValues + (step * worker.sequences.count + column) * worker.inputStride)
  }
}
