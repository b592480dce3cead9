
2
xRelu*
T:*
_output_shapes
ab