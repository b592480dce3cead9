

xRelu*
ab