/// The program's version, as printed and as written into checkpoints.
package let programVersion = "0.1.0"
