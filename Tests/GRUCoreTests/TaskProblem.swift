import Cells
import GRUCore
import Kernels
import ReferenceModels

/// A seeded random model of a task and one window for it, with sequences laid end to end.
struct TaskProblem {
  let shape: ModelShape
  let table: ParameterTable
  let plan: ShardPlan
  let slots: Int
  var parameters: [Float]
  /// Values are those that fit in single precision, so that both models read the same.
  var window: ReferenceModel.Window

  init(
    _ cell: Cell, _ task: TaskShape, hidden: Int, inputs: Int, outputs: Int,
    layers: Int, steps: Int, slots: Int, shards: Int, sequencesPerShard: Int,
    options: (inout ModelShape) -> Void = { _ in }
  ) {
    var shape = ModelShape(
      cell: cell, vocabularySize: outputs, embeddingSize: inputs, hiddenSize: hidden,
      layerCount: layers)
    shape.task = task
    if task.input == .both { shape.valuesBesideTokens = inputs + 2 }
    options(&shape)
    self.shape = shape
    self.slots = slots
    let sequences = shards * sequencesPerShard
    plan = ShardPlan(sequences: sequences, shards: shards, ranks: 1, threads: 1)
    let base = RandomProblem(
      shape: shape, window: steps, sequences: sequences, seed: UInt64(hidden * 31 + steps))
    table = base.table
    parameters = base.parameters
    var random = SplitMix(state: UInt64(outputs * 7 + slots))
    let ranges = Self.ranges(slots: slots, steps: steps, rows: sequences, &random)
    let rows = task.readout == .every ? steps * sequences : ranges.count
    window = ReferenceModel.Window(
      inputs: [], targets: [], steps: steps, sequences: sequences)
    window.slots = ranges
    window.startsAfresh = true
    window.trainingStep = 3
    window.values = (0..<steps * sequences * shape.valueSize).map { _ in
      Double(random.uniform(1))
    }
    if task.readsTokens {
      window.inputs = (0..<steps * sequences * task.tokensPerStep).map { _ in
        random.token(below: shape.inputVocabularySize)
      }
    }
    window.targets = (0..<rows).map { row in
      let isEmpty = task.readout != .every && ranges[row].isEmpty
      if isEmpty || random.next() % 7 == 0 { return -1 }
      return task.loss == .softmax ? random.token(below: outputs) : 0
    }
    let values = task.loss == .softmax ? 0 : outputs / task.outputsPerTarget
    window.targetValues = (0..<rows * values).map { _ in
      if task.masksTargets, random.next() % 3 == 0 { return .nan }
      return task.loss == .sigmoid ? Double(random.next() % 2) : Double(random.uniform(2))
    }
  }

  /// Sequences of random lengths, one after another in each row; some rows have fewer.
  private static func ranges(
    slots: Int, steps: Int, rows: Int, _ random: inout SplitMix
  ) -> [Range<Int>] {
    var ranges = [Range<Int>](repeating: 0..<0, count: slots * rows)
    for row in 0..<rows {
      var start = 0
      for slot in 0..<slots where start < steps {
        let length = 1 + Int(random.next() % UInt64(max(1, 2 * steps / slots)))
        let end = min(steps, start + length)
        if slot > 0, random.next() % 4 == 0 { break }
        ranges[slot * rows + row] = start..<end
        start = end
      }
    }
    return ranges
  }

  /// Sum of losses and of metrics, counted targets and the gradient of the fast path.
  func run(
    _ set: InstructionSet, plan: ShardPlan? = nil
  ) -> (loss: Double, metric: Double, tokens: Int, gradient: [Float]) {
    let plan = plan ?? self.plan
    let kernels = Kernels(set, leastShared: 0)
    let arena = Arena(parameters)
    let weights = PackedWeights(shape: shape, table: table, kernels: kernels)
    weights.repack(from: arena.pointer, part: 0, of: 1)
    weights.dropRecurrentWeights(of: arena.pointer, step: 3, part: 0, of: 1)
    weights.repackDropped(part: 0, of: 1)
    var nodes: [Range<Int>: [Float]] = [:]
    var losses: [Double] = []
    var metrics: [Double] = []
    var tokens = 0
    for index in 0..<plan.workers {
      let worker = SequenceWorker(
        shape: shape, table: table, kernels: kernels, window: window.steps, plan: plan,
        worker: index, slots: slots)
      let ranges = CanonicalTree.maximalNodes(of: worker.shards, in: plan.shards)
      let arenas = ranges.map { _ in Arena([Float](repeating: 0, count: table.elementCount)) }
      worker.step = 3
      // The second window must not see anything of the first.
      for _ in 0..<2 {
        worker.load(window)
        worker.resetState()
        arenas.map(\.pointer).withUnsafeBufferPointer { sums in
          worker.withHelpers(kernels) {
            worker.computeGradients(
              parameters: arena.pointer, weights: weights, partialSums: sums.baseAddress!)
          }
        }
      }
      for (range, node) in zip(ranges, arenas) { nodes[range] = node.values }
      losses += (0..<worker.shards.count).map { worker.shardLosses[$0] }
      metrics += (0..<worker.shards.count).map { worker.shardMetrics[$0] }
      tokens += (0..<worker.shards.count).reduce(0) { $0 + worker.shardTokens[$1] }
    }
    func sum(_ lo: Int, _ hi: Int) -> [Float] {
      if let node = nodes[lo..<hi] { return node }
      let middle = CanonicalTree.middle(lo, hi)
      return zip(sum(lo, middle), sum(middle, hi)).map { $0 + $1 }
    }
    let gradient = Arena(sum(0, plan.shards))
    weights.dropRecurrentGradient(gradient.pointer, range: 0..<table.elementCount, step: 3)
    return (
      CanonicalTree.sum(losses), CanonicalTree.sum(metrics), tokens, gradient.values
    )
  }
}
