package import Cells
// What a task asks of a model is part of this module's interface.
@_exported public import Tasks

/// The sizes and cell of a recurrent model; `task` says what stands before and after its layers.
///
/// Shape legend used in this module: T = BPTT window, B = sequences of one worker, H = hidden size,
/// E = embedding size, F = real values beside tokens, V = vocabulary size, L = layers, D =
/// directions of a layer, I = input size of a layer (E + F, then D H).
///
/// The directions of all layers are numbered in order, and each is a recurrence with weights of its
/// own: direction D l is the forward one of layer l, and where D is 2 the next one goes through
/// each sequence from its end.
package struct ModelShape: Sendable, Equatable {
  /// The recurrence of all layers.
  package var cell: Cell
  package var vocabularySize: Int
  package var embeddingSize: Int
  /// Real values of each step that stand after its token's embedding, of a task that reads both.
  package var valuesBesideTokens = 0
  package var hiddenSize: Int
  package var layerCount: Int
  /// What the model reads and what it is to say.
  package var task = TaskShape()
  /// Whether the output layer multiplies with the embedding table, so that E = H (Press and Wolf,
  /// 2017; Inan, Khosravi and Socher, 2017).
  package var tiesWeights = false
  /// How an output layer that ends in a softmax at every step is cut into a head and clusters of
  /// rare tokens; nil for one matrix.
  package var adaptiveSoftmax: AdaptiveSoftmax?
  /// The outputs that a step of training draws of a softmax at every step; nil trains on all.
  package var sampledSoftmax: SampledSoftmax?
  /// Whether what every gate sums up is normalised (Ba, Kiros and Hinton, 2016).
  package var normalizesGates = false
  /// Whether layers go through every sequence in both directions and hand on the states of both,
  /// side by side (Schuster and Paliwal, 1997). Nothing is carried from one batch to the next then.
  package var isBidirectional = false
  /// Whether the state before a stream or sequence is a parameter of each layer, and not 0.
  package var learnsInitialState = false
  /// What the bias of the cell's `biasedGate` starts from. Of a GRU's update gate: the lower, the
  /// longer it remembers at first (Jozefowicz, Zaremba and Sutskever, 2015, do the like to an
  /// LSTM's forget gate).
  package var initialUpdateBias: Float = 0
  /// What is left out at random in training.
  package var regularization = Regularization()

  package init(
    cell: Cell, vocabularySize: Int, embeddingSize: Int, hiddenSize: Int, layerCount: Int
  ) {
    precondition(vocabularySize > 0, "vocabularySize \(vocabularySize) < 1")
    precondition(embeddingSize > 0, "embeddingSize \(embeddingSize) < 1")
    precondition(hiddenSize > 0, "hiddenSize \(hiddenSize) < 1")
    precondition(layerCount > 0, "layerCount \(layerCount) < 1")
    cell.validate()
    self.cell = cell
    self.vocabularySize = vocabularySize
    self.embeddingSize = embeddingSize
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
  }

  /// Kinds of tokens that the model reads; none where it reads real values.
  package var inputVocabularySize: Int {
    task.readsTokens ? task.inputVocabularySize ?? vocabularySize : 0
  }

  /// Real values that the model reads at each step; the first layer's whole input, or what stands
  /// after an embedding.
  package var valueSize: Int {
    switch task.input {
    case .tokens: 0
    case .values: embeddingSize
    case .both: valuesBesideTokens
    }
  }

  /// Where in a row of the first layer's input they begin: after the embeddings of its tokens.
  package var firstValue: Int { task.readsTokens ? task.tokensPerStep * embeddingSize : 0 }

  /// Floats of a layer's recurrent weights with the gap after them.
  var recurrentStride: Int { padded(cell.recurrentGateCount * hiddenSize * hiddenSize) }

  /// Whether a step drops recurrent weights, of which the cell has some.
  package var dropsRecurrentWeights: Bool {
    regularization.recurrentDropout > 0 && cell.hasRecurrentWeights
  }

  /// Vectors [H] that each sequence carries from batch to batch, [S, L].
  package var carriedVectorCount: Int { cell.stateVectors.count * layerCount }

  /// Their names in checkpoints, "hidden.0".
  package var carriedVectorNames: [String] {
    cell.stateVectors.flatMap { vector in
      (0..<layerCount).map { "\(vector.name).\($0)" }
    }
  }

  /// Floats of what `sequences` sequences carry, [S, L, B, H].
  package func stateCount(sequences: Int) -> Int { carriedVectorCount * sequences * hiddenSize }

  /// The size of a layer's input: E + F for the first layer, D H above.
  package func inputSize(ofLayer layer: Int) -> Int {
    layer == 0 ? firstValue + valueSize : featureSize
  }

  // MARK: - Directions

  package var directionCount: Int { isBidirectional ? 2 : 1 }

  /// What a layer hands on at each step, D H: the states of its directions side by side.
  package var featureSize: Int { directionCount * hiddenSize }

  package var layerDirectionCount: Int { layerCount * directionCount }

  package func directions(ofLayer layer: Int) -> Range<Int> {
    layer * directionCount..<(layer + 1) * directionCount
  }

  package func layer(ofDirection direction: Int) -> Int { direction / directionCount }

  /// 0 forward, 1 from the end.
  package func indexInLayer(ofDirection direction: Int) -> Int { direction % directionCount }

  /// Whether a direction goes through sequences from their end.
  package func isReversed(_ direction: Int) -> Bool { indexInLayer(ofDirection: direction) == 1 }

  /// What the names of a direction's tensors begin with.
  package func prefix(ofDirection direction: Int) -> String {
    "layers.\(layer(ofDirection: direction))" + (isReversed(direction) ? ".reverse" : "")
  }

  // MARK: - Adaptive softmax

  /// Rows of the matrix that is multiplied with every vector: tokens, and entries for clusters.
  package var headSize: Int { adaptiveSoftmax?.headSize ?? vocabularySize }

  /// The clusters of an adaptive softmax in order; none without one.
  package var tailClusters: [TailCluster] {
    adaptiveSoftmax?.clusters(vocabulary: vocabularySize, features: featureSize) ?? []
  }
}
