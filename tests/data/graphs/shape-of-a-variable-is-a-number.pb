
>
vVarHandleOp*
shape*
dtypex*
shared_name