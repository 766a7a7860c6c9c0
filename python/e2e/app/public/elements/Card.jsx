export default function Card() {
  return <div className="card">Count: {props.count}</div>
}
