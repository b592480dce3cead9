

xPlaceholder*
dtype0
2
sSplitxx*
	num_split
€€€€€€€€@*
T0