import Cells
import Kernels

/// The sizes and offsets of everything one worker needs, in floats of one arena.
struct WorkspaceLayout {
  let window: Int
  let sequences: Int
  /// Padded sizes and row strides.
  let hidden: Int
  let hiddenStride: Int
  /// Of what a layer hands on; the same where it has one direction.
  let feature: Int
  let featureStride: Int
  let gatesStride: Int
  /// From one state vector to the next, of states and of what is carried backward.
  let stateVectorStride: Int
  let carryVectorStride: Int
  let embedding: Int
  let embeddingStride: Int
  let vocabulary: Int
  let vocabularyStride: Int
  let stackDepth: Int

  private(set) var size = 0
  private(set) var gates: [Int] = []
  private(set) var states: [Int] = []
  private(set) var inner: [Int] = []
  private(set) var embedded = 0
  /// Real inputs, [T, B, F]: the first layer's input itself where there is no embedding.
  private(set) var values = 0
  private(set) var valueStride = 0
  /// By layer: what it hands on, [T, B, 2 H], where it has two directions.
  private(set) var features: [Int] = []
  /// By direction, where there are two: its part of `upper`, [T, B, H].
  private(set) var directionUppers: [Int] = []
  /// What an upper layer or the output layer reads where elements are dropped, [T, B, D H].
  private(set) var dropped: Int?
  /// b + W x of layer 0 for every token [V, G], or nil where the window has too few rows to gain.
  private(set) var tokenTable: Int?
  private(set) var upper = 0
  private(set) var lower = 0
  private(set) var carry = 0
  private(set) var innerGradient = 0
  private(set) var logits = 0
  private(set) var rowLosses = 0
  /// Where the task asks for them: the metric of each output row, its real targets, what the output
  /// layer reads and its gradient, and states put by between sequences.
  private(set) var rowMetrics = 0
  private(set) var targetValues = 0
  private(set) var readout = 0
  private(set) var readoutGradient = 0
  private(set) var putByStates: [Int] = []
  /// Per row: the target's logit; per row and block of the vocabulary: maximum and sum. Only where
  /// the vocabulary has more than one block, or clusters.
  private(set) var chosen = 0
  private(set) var blockMaxima = 0
  private(set) var blockSums = 0
  /// The sum of the logits of each row and block, [T · B, blocks], where labels are smoothed.
  private(set) var logitSums: Int?
  /// What each class counts in training, [V]; nil where all count 1.
  private(set) var classWeights: Int?
  /// The gradient of the logits, [T · B, stripColumns], of as many columns as stay in the
  /// second-level cache.
  private(set) var strip = 0
  private(set) var stripColumns = 0
  private(set) var stripStride = 0
  /// Right operands of weight gradients: by layer its input, and what its recurrent weights
  /// multiplied; what the output layer read. Where activations are reused, inputs take the place of
  /// the layer's states, the others that of gradients which went down, or have yet to.
  private(set) var packedInputs: [Int] = []
  private(set) var packedStates: [Int] = []
  private(set) var packedTop = 0
  /// Projected rows of a cluster; an input that has no room elsewhere.
  private(set) var packedProjection = 0
  /// By layer: the states before the batch [S, B, H], where others take their place.
  private(set) var firstStates: [Int] = []
  let reusesActivations: Bool
  private(set) var scratch = 0
  /// Floats of the scratch of weight gradients.
  let gradientScratch: Int
  private(set) var embeddingStack = 0
  /// Places of what the normalisation of gates needs.
  struct Normalization {
    /// By direction: normalised sums, as the gates, and a number for each row and gate.
    var normalized: [Int] = []
    var inverseDeviations: [Int] = []
    /// One layer's gradients of gain and bias, direction by direction and shard by shard.
    var gradients = 0
    var shardStride = 0
  }
  private(set) var normalization: Normalization?
  /// One layer's gradients of the learned initial states, [D, shards, S, H].
  private(set) var initialGradients: Int?
  /// Places of what tied weights need.
  struct Tied {
    /// The gradients of the logits of looked-up tokens, [shard, time, sequence] × `stride`.
    var errors: Int
    var stride: Int
    /// The fold stack of a group of the table's rows, and the sum of one row's look-ups.
    var stack: Int
    var row: Int
  }
  private(set) var tied: Tied?
  /// Places of what the clusters of an adaptive softmax need, one after the other.
  struct Tails {
    /// Of each row whose target the cluster has: the vector, later its gradient, [T · B, H]; its
    /// projection, later its gradient, [T · B, D]; logits [T · B, N]; loss.
    var vectors = 0
    var projected = 0
    var logits = 0
    var losses = 0
    /// The fold stack of some rows of a weight's gradient.
    var stack = 0
  }
  private(set) var tails: Tails?
  /// Places of what a sampled softmax needs, for the rows that have a target.
  struct Sampled {
    /// Of each row: the vector, later its gradient, [T · B, D H], and the loss.
    var vectors = 0
    var losses = 0
    /// By position: the gradient of the target's score, and its product with the vector.
    var errors = 0
    var scaled = 0
    /// The fold stacks of a group of the weight's rows and of one, and the sum of a row's targets.
    var stack = 0
    var rowStack = 0
    var row = 0
  }
  private(set) var sampled: Sampled?
  /// Rounded rows of a product's left operand.
  private(set) var productScratch = 0

  init(
    shape: ModelShape, window: Int, sequences: Int, sequencesPerShard: Int, stackDepth: Int,
    slots: Int, use: MemoryUse, kernels: Kernels
  ) {
    reusesActivations = use.reusesActivations
    self.window = window
    self.sequences = sequences
    self.stackDepth = stackDepth
    hidden = padded(shape.hiddenSize)
    hiddenStride = rowStride(hidden)
    feature = padded(shape.featureSize)
    featureStride = rowStride(feature)
    gatesStride = rowStride(shape.cell.gateCount * hidden)
    embedding = padded(shape.inputSize(ofLayer: 0))
    embeddingStride = rowStride(embedding)
    vocabulary = padded(shape.headSize)
    vocabularyStride = rowStride(vocabulary)
    gradientScratch = weightGradientScratch(
      rowsPerShard: window * sequencesPerShard, columns: max(embedding, feature) + hidden,
      stackDepth: stackDepth)
    let rows = window * sequences
    let (cell, vectors) = (shape.cell, shape.cell.stateVectors.count)
    stateVectorStride = (rows + sequences) * hiddenStride
    carryVectorStride = sequences * hiddenStride
    for _ in 0..<shape.layerDirectionCount {
      gates.append(take(rows * gatesStride))
      states.append(take(vectors * stateVectorStride))
      inner.append(
        cell.hasInner ? take((cell.recomputesInner ? sequences : rows) * hiddenStride) : 0)
    }
    if shape.isBidirectional {
      for _ in 0..<shape.layerCount { features.append(take(rows * featureStride)) }
      for _ in 0..<shape.directionCount { directionUppers.append(take(rows * hiddenStride)) }
    }
    embedded = take(rows * embeddingStride)
    valueStride = shape.task.input == .both ? rowStride(padded(shape.valueSize)) : embeddingStride
    values = shape.task.input == .both ? take(rows * valueStride) : embedded
    if shape.regularization.dropout > 0 { dropped = take(rows * featureStride) }
    let packedRows =
      sequences / sequencesPerShard * kernels.packedDepth(window * sequencesPerShard)
    takeGradients(shape, packedRows: packedRows, rows: rows)
    carry = take(vectors * carryVectorStride)
    innerGradient = take(sequences * hiddenStride)
    let outputRows = shape.task.readout == .every ? rows : slots * sequences
    logits = take(Self.logitsCount(shape, rows: outputRows, stride: vocabularyStride))
    rowLosses = take(outputRows)
    takeReadout(shape: shape, outputRows: outputRows, slots: slots)
    let clusters = shape.tailClusters
    if !shape.regularization.classWeights.isEmpty { classWeights = take(vocabulary) }
    takeBlocks(clusters, shape, rows: rows)
    takeSampled(shape, rows: rows)
    takePacked(shape, packedRows: packedRows, rows: rows)
    scratch = take(gradientScratch)
    embeddingStack = take(stackDepth * embedding)
    takeOptions(shape: shape, rows: rows, shards: sequences / sequencesPerShard)
    takeTails(clusters, rows: rows, featureSize: shape.featureSize, kernels: kernels)
    let deepest = max(
      shape.cell.gateCount * shape.hiddenSize, shape.featureSize, shape.inputSize(ofLayer: 0),
      min(shape.vocabularySize, canonicalBlock))
    productScratch = take(kernels.scratchCount(depth: deepest))
    // Kernels may read up to one virtual vector past the last row.
    _ = take(16)
  }

  /// The gradients between layers, and the table of tokens, which is read before there are any.
  private mutating func takeGradients(_ shape: ModelShape, packedRows: Int, rows: Int) {
    let count = max(rows * max(featureStride, embeddingStride), packedRows * feature)
    // Where inputs are dropped, equal tokens have no row of a table in common.
    let drops = shape.regularization
    let isInputDropped = drops.dropout > 0 || drops.embeddingDropout > 0
    if shape.task.input == .tokens, !isInputDropped, 2 * shape.inputVocabularySize <= rows {
      upper = take(max(count, shape.inputVocabularySize * gatesStride))
      tokenTable = upper
    } else {
      upper = take(count)
    }
    // Where steps backward leave nothing in the place of what came from above, what goes down takes
    // it too.
    lower = reusesActivations && !shape.cell.recomputesInner ? upper : take(count)
  }

  /// Right operands of weight gradients.
  private mutating func takePacked(_ shape: ModelShape, packedRows: Int, rows: Int) {
    let room = rows * hiddenStride
    let count = packedRows * max(feature, embedding)
    if !reusesActivations || count > room { packedProjection = take(count) }
    packedInputs = Array(repeating: packedProjection, count: shape.layerCount)
    if !reusesActivations {
      packedTop = take(packedRows * feature)
      packedStates = Array(repeating: packedTop, count: shape.layerCount)
      return
    }
    for layer in 0..<shape.layerCount {
      // That of the states after the first step's, and on from there.
      if packedRows * (layer == 0 ? embedding : feature) <= room {
        packedInputs[layer] = states[layer] + carryVectorStride
      }
      packedStates.append((shape.layerCount - layer).isMultiple(of: 2) ? upper : lower)
      firstStates.append(take(shape.cell.stateVectors.count * carryVectorStride))
    }
    // A wide softmax needs it beside the gradients from above.
    packedTop = lower == upper && vocabularyBlocks > 1 ? take(packedRows * feature) : lower
  }

  /// What only a softmax over several blocks or clusters needs.
  private mutating func takeBlocks(_ clusters: [TailCluster], _ shape: ModelShape, rows: Int) {
    let sampled = shape.sampledSoftmax.map { padded($0.draws + 1) }
    let blocks = Self.blocks(
      max(vocabulary, clusters.map { padded($0.tokens.count) }.max() ?? 0, sampled ?? 0))
    let isWhole = clusters.isEmpty && sampled == nil && shape.task.rankedFrom == nil
    if blocks == 1, isWhole { return }
    chosen = take(rows)
    blockMaxima = take(rows * blocks)
    blockSums = take(rows * blocks)
    if shape.regularization.labelSmoothing > 0 { logitSums = take(rows * blocks) }
    stripColumns = Self.stripColumns(rows: rows)
    stripStride = rowStride(stripColumns)
    strip = take(rows * stripStride)
  }

  /// What layer normalisation, a learned initial state and tied weights need.
  private mutating func takeOptions(shape: ModelShape, rows: Int, shards: Int) {
    if shape.normalizesGates {
      var places = Normalization()
      for _ in 0..<shape.layerDirectionCount {
        places.normalized.append(take(rows * gatesStride))
        places.inverseDeviations.append(take(rows * shape.cell.gateCount))
      }
      places.shardStride = 2 * shape.cell.gateCount * hidden
      places.gradients = take(
        shape.directionCount * shards * places.shardStride)
      normalization = places
    }
    if shape.learnsInitialState {
      initialGradients = take(
        shape.directionCount * shards * shape.cell.stateVectors.count * hidden)
    }
    if shape.tiesWeights {
      let stride = padded(min(shape.vocabularySize, rows))
      // Weight gradients read up to 16 floats past the last column.
      tied = Tied(
        errors: take(rows * stride + 16), stride: stride,
        stack: take(stackDepth * SequenceWorker.tiedGroup * shape.hiddenSize), row: take(hidden))
    }
  }

  /// Floats of the scores of all rows; of a sampled softmax those of the drawn outputs, and in
  /// evaluations all scores of some rows at a time.
  private static func logitsCount(_ shape: ModelShape, rows: Int, stride: Int) -> Int {
    guard let sampling = shape.sampledSoftmax else { return rows * stride }
    return max(
      rows * rowStride(padded(sampling.draws + 1)),
      min(rows, SequenceWorker.evaluatedRows) * stride)
  }

  private mutating func takeSampled(_ shape: ModelShape, rows: Int) {
    guard shape.sampledSoftmax != nil else { return }
    var places = Sampled()
    places.vectors = take(rows * featureStride)
    places.losses = take(rows)
    places.errors = take(rows)
    places.scaled = take(rows * featureStride)
    places.stack = take(stackDepth * SequenceWorker.sampledGroup * (shape.featureSize + 1))
    places.rowStack = take(stackDepth * feature)
    places.row = take(feature)
    sampled = places
  }

  /// A power of two from 128 to 1,024.
  private static func stripColumns(rows: Int) -> Int {
    var columns = 128
    while columns < 1024 && 2 * columns * rows * MemoryLayout<Float>.stride <= 768 << 10 {
      columns *= 2
    }
    return columns
  }

  /// Blocks of 4,096 columns of the logits.
  var vocabularyBlocks: Int { Self.blocks(vocabulary) }

  static func blocks(_ columns: Int) -> Int { (columns + canonicalBlock - 1) / canonicalBlock }

  private mutating func takeTails(
    _ clusters: [TailCluster], rows: Int, featureSize: Int, kernels: Kernels
  ) {
    if clusters.isEmpty { return }
    var places = Tails()
    places.vectors = take(rows * featureStride)
    let widest = clusters.map { padded($0.projectionSize) }.max() ?? 0
    places.projected = take(rows * rowStride(widest))
    let columns = clusters.map { rowStride(padded($0.tokens.count)) }.max() ?? 0
    places.logits = take(rows * columns)
    places.losses = take(rows)
    places.stack = take(stackDepth * kernels.weightGradientRows * (featureSize + 1))
    tails = places
  }

  /// What only metrics, real targets and other readouts need, and sequences laid end to end.
  private mutating func takeReadout(shape: ModelShape, outputRows: Int, slots: Int) {
    if slots > 1 || shape.isBidirectional {
      for _ in 0..<shape.layerDirectionCount {
        putByStates.append(take(shape.cell.stateVectors.count * slots * sequences * hiddenStride))
      }
    }
    let hasMetric = shape.task.sumsMetric || shape.task.rankedFrom != nil
    if hasMetric || shape.task.loss != .softmax { rowMetrics = take(outputRows) }
    if shape.task.loss != .softmax { targetValues = take(outputRows * vocabularyStride) }
    if shape.task.readout == .every { return }
    readout = take(outputRows * featureStride)
    readoutGradient = take(outputRows * featureStride)
  }

  private mutating func take(_ count: Int) -> Int {
    defer { size += (count + 15) & ~15 }
    return size
  }
}
