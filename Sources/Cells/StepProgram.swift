package import Kernels

/// A product of some gates' recurrent weights with a vector of each sequence.
///
/// Backward, the gradient of its sum stands in the sum's place, and what it multiplies with the
/// transposed weights goes to the gradient of the vector.
package struct RecurrentProduct: Sendable {
  /// What it multiplies.
  package enum Source: Sendable {
    /// The hidden vector of the step before; its gradient is the carry.
    case previous
    /// The inner buffer, whose gradient is a scratch array [B, H].
    case inner
  }

  /// Where its sum goes.
  package enum Sum: Sendable {
    /// Onto W x + b of its gates.
    case gates
    /// To the inner buffer, from the recurrent bias.
    case inner
  }

  package var gates: Range<Int>
  package var source: Source
  package var sum: Sum
  /// Whether something of the gradient of its source stands there already.
  package var addsToGradient: Bool
}

/// One operation of a time step, for all sequences of a worker.
package enum StepOperation: Sendable {
  /// The recurrent product of that place.
  case product(Int)
  /// An elementwise kernel over gates, states and the inner buffer.
  case elementwise(GateFunction)
  /// Layer normalisation of the sums of some gates; backward, of their gradients.
  case normalize(Range<Int>)
  /// What follows is for the gradient of the step before only, and is left out where that is
  /// detached.
  case endUnlessPassedOn
}

/// The operations of a forward and of a backward step, in order. A step goes through a few entries;
/// all that is elementwise between two products is one kernel.
package struct StepProgram: Sendable {
  package var forward: [StepOperation]
  package var backward: [StepOperation]
}

/// Rows of weights whose gradients one stage completes after back-propagation.
package struct WeightStage: Sendable {
  /// Rows of some gates, whose gradients multiply the layer's input, what the recurrent weights
  /// multiplied, or both at once.
  package struct Block: Sendable {
    package var gates: Range<Int>
    /// Where the gradients of the sums are: in the gates' places, or in the inner buffer.
    package var sum = RecurrentProduct.Sum.gates
    /// Whether the rows of the input weights, and the bias, are among them.
    package var hasInput: Bool
    /// What the recurrent weights multiplied; nil where their rows are not among them. With the sum
    /// in the inner buffer the recurrent bias is among them too.
    package var source: RecurrentProduct.Source?
  }

  package var blocks: [Block]

  /// The gates whose rows of the input weights the stage completes; they follow each other.
  package var inputGates: Range<Int>? { Self.hull(blocks.filter(\.hasInput)) }

  /// The gates whose rows of the recurrent weights it completes.
  package var recurrentGates: Range<Int>? { Self.hull(blocks.filter { $0.source != nil }) }

  private static func hull(_ blocks: [Block]) -> Range<Int>? {
    guard let first = blocks.first, let last = blocks.last else { return nil }
    return first.gates.lowerBound..<last.gates.upperBound
  }
}
